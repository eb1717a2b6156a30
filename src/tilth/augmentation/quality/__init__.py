"""How well a paraphrase reads.

In: pairs of a source and a paraphrase. Out: grammar problems that were added, and the probability of reading without
a mistake. A checker is a class with `name` and `problems`, listed in `grammar.checkers`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.augmentation.quality.acceptability import AcceptabilityChecker
    from tilth.augmentation.quality.config import QualityConfig
    from tilth.augmentation.quality.critic import adapted_checker
    from tilth.augmentation.quality.fluency import Fluency, keep
    from tilth.augmentation.quality.grammar import Checker, checkers, unavailable_services
    from tilth.augmentation.quality.link_grammar import LinkGrammarChecker, version
    from tilth.augmentation.quality.unseen_ngrams import AttestedChecker
    from tilth.augmentation.quality.well_formedness import Reading, read

__all__ = [
    "AcceptabilityChecker",
    "AttestedChecker",
    "Checker",
    "Fluency",
    "LinkGrammarChecker",
    "QualityConfig",
    "Reading",
    "adapted_checker",
    "checkers",
    "keep",
    "read",
    "unavailable_services",
    "version",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "acceptability": ("AcceptabilityChecker",),
        "config": ("QualityConfig",),
        "critic": ("adapted_checker",),
        "fluency": ("Fluency", "keep"),
        "grammar": ("Checker", "checkers", "unavailable_services"),
        "link_grammar": ("LinkGrammarChecker", "version"),
        "unseen_ngrams": ("AttestedChecker",),
        "well_formedness": ("Reading", "read"),
    },
)
