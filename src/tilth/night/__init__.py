"""A night, step by step: open a run, perform one stage, close the run; flows add schedule and retries.

In: what a person asked for, the input's rows. Out: a run's folder. The steps are `opening/`, `stages/`, `closing/`;
what stands beside them looks at a night before it is (`dry_run.py`), cleans rows of no night (`auditing.py`), forgets
rows, or takes a night back. A further step belongs to the room whose record it reads or writes.
"""

from tilth.night.auditing import Audited, audit, sampled
from tilth.night.closing import check_addresses, fail, finish, notify, notify_unopened, promote
from tilth.night.dry_run import embedded, plan
from tilth.night.forgetting import forget
from tilth.night.opening import Request, begin, chosen, draft
from tilth.night.rollback import RolledBack, roll_back
from tilth.night.stages import code_digest, line, perform, plan_line

__all__ = [
    "Audited",
    "Request",
    "RolledBack",
    "audit",
    "begin",
    "check_addresses",
    "chosen",
    "code_digest",
    "draft",
    "embedded",
    "fail",
    "finish",
    "forget",
    "line",
    "notify",
    "notify_unopened",
    "perform",
    "plan",
    "plan_line",
    "promote",
    "roll_back",
    "sampled",
]
