"""Commands that run nights and take them back.

`tilth run`, `serve`, `rollback`, `restore`, `clean`, and `doctor`, which says whether a night can run here. In: words
of the command line. Out: an exit status. Whatever starts a flow does it by `flow_process.py`; a new check of
`tilth doctor` is one more function in `doctor_checks.py`.
"""
