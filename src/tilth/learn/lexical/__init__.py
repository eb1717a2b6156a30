"""How texts are worded: the second view of every text, beside what the encoder says that it means.

In: texts. Out: the names of their n-grams, words 1-2 and characters 2-5 (`ANALYZERS`, in plain Python, for an exported
model too); sparse counts of these (`count_ngrams`, which depend on the text alone and are cached by content), and the
counts weighted by rarity among a table's rows (`RarityWeights`, which can be saved, and applied to texts that came
later). `Evidence.lexical` gives those of a whole table. Models on them are in `tilth.learn.models.views`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.learn.lexical.analyzers import ANALYZERS
    from tilth.learn.lexical.ngrams import NGrams, count_blocks, count_ngrams, stacked
    from tilth.learn.lexical.rarity import RarityWeights

__getattr__, __dir__ = lazy_exports(__name__)
