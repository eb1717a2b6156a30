"""A night, step by step: open a run, perform one stage, close the run; flows add schedule and retries."""

from tilth.night.auditing import Audited, audit, sampled
from tilth.night.closing import fail, finish, promote
from tilth.night.console import line, plan_line
from tilth.night.dry_run import embedded, plan
from tilth.night.forgetting import forget
from tilth.night.notification import check_addresses, notify
from tilth.night.opening import begin, draft
from tilth.night.request import Request, chosen
from tilth.night.result_cache import code_digest
from tilth.night.rollback import RolledBack, roll_back
from tilth.night.stage_runner import perform

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
    "perform",
    "plan",
    "plan_line",
    "promote",
    "roll_back",
    "sampled",
]
