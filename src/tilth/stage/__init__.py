"""What a stage is: its contract, and the one place that calls one.

In: a table, a config and `Resources`. Out: a `StageResult`, checked. A stage is registered by its name in
`registry.NAMES`; the contract tests run over it from then on.
"""

from tilth.stage.contract import Figure, Resources, StageModule, StageResult
from tilth.stage.registry import NAMES, check, configs, external_cache_inputs, get, perform

__all__ = [
    "NAMES",
    "Figure",
    "Resources",
    "StageModule",
    "StageResult",
    "check",
    "configs",
    "external_cache_inputs",
    "get",
    "perform",
]
