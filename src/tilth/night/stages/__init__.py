"""One stage of a night after the other.

In: a run, the name of a stage, the table before it. Out: the table after it, computed or from the cache, with its
figures and what it bought. What a stage is handed of the night goes through `Context`; what its result depends on
is part of the key there, and code that it runs is named in `result_cache.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.night.stages.carried_fits import LEDGER, MAP, hand_on
    from tilth.night.stages.console import line, plan_line, warnings
    from tilth.night.stages.context import Context
    from tilth.night.stages.result_cache import code_digest, kept
    from tilth.night.stages.stage_ledger import gold_ledger, left_out_by_now
    from tilth.night.stages.stage_runner import perform

__getattr__, __dir__ = lazy_exports(__name__)
