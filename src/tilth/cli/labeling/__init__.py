"""Commands by which rows get labels, of people or of functions: `tilth queue`, `label`, `labels`, `lf`.

In: words of the command line; people's answers, labeling functions. Out: a queue, stored answers, what functions do on
the rows, and an exit status. A further command of the group `tilth lf` is one more function in `lf.py`.
"""
