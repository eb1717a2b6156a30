"""How well a paraphrase reads.

In: pairs of a source and a paraphrase. Out: grammar problems that the paraphrase adds, and the probability that it
reads without a mistake. A checker is a class with `name` and `problems`, listed in `grammar.make_checkers`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.augmentation.quality.acceptability import AcceptabilityChecker
    from tilth.augmentation.quality.acceptability_adaptation import adapted_checker
    from tilth.augmentation.quality.config import QualityConfig
    from tilth.augmentation.quality.fluency import Fluency, nats_cache
    from tilth.augmentation.quality.grammar import Checker, make_checkers, unavailable_services
    from tilth.augmentation.quality.link_grammar import LinkGrammarChecker, link_grammar_version
    from tilth.augmentation.quality.unseen_ngrams import UnseenNgramChecker
    from tilth.augmentation.quality.well_formedness import WellFormedness, measure_well_formedness

__getattr__, __dir__ = lazy_exports(__name__)
