"""A night, step by step: open a run, perform one stage, close the run; flows add schedule and retries."""

from tilth.night.closing import fail, finish, promote
from tilth.night.context import code_digest
from tilth.night.lines import line, plan_line
from tilth.night.opening import begin, draft
from tilth.night.performing import perform
from tilth.night.planning import embedded, plan
from tilth.night.request import Request, chosen

__all__ = [
    "Request",
    "begin",
    "chosen",
    "code_digest",
    "draft",
    "embedded",
    "fail",
    "finish",
    "line",
    "perform",
    "plan",
    "plan_line",
    "promote",
]
