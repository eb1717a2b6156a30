"""What a stage is: its contract, and the one place that calls one.

In: a table, a config and `Resources`. Out: a `StageResult`, checked. A stage is registered by its name in
`registry.NAMES`; the contract tests run over it from then on. What a stage would have a person look at, it hands back
as questions of a source that it registers: see `questions`.
"""

from tilth.stage.contract import Figure, Resources, StageModule, StageResult
from tilth.stage.questions import (
    Question,
    answer_seconds,
    read_questions,
    register_source,
    registered_sources,
    write_questions,
)
from tilth.stage.registry import (
    NAMES,
    check,
    check_encoder,
    configs,
    encoder_tuner,
    external_cache_inputs,
    get,
    perform,
    wants_candidates,
    why_skipped,
)
from tilth.stage.tuning import EncoderTuner, ShortTuning, TuningTexts

__all__ = [
    "NAMES",
    "EncoderTuner",
    "Figure",
    "Question",
    "Resources",
    "ShortTuning",
    "StageModule",
    "StageResult",
    "TuningTexts",
    "answer_seconds",
    "check",
    "check_encoder",
    "configs",
    "encoder_tuner",
    "external_cache_inputs",
    "get",
    "perform",
    "read_questions",
    "register_source",
    "registered_sources",
    "wants_candidates",
    "why_skipped",
    "write_questions",
]
