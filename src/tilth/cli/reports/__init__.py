"""Commands that show what nights came to: `tilth report`, `runs`, `diff`, `explain`, `drift`.

In: words of the command line, the folders of runs. Out: tables and pages, by `tilth.reports`, and an exit status. A new
view of a night is computed there, and gets its command here.
"""
