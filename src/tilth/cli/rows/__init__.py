"""Commands that take rows and give them back: `tilth audit`, `export`, `forget`.

In: words of the command line; files of rows, or a run's table. Out: files, and an exit status. A command about rows
that neither label them nor need a model of a night goes here.
"""
