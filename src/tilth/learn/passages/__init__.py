"""Long texts by the passages that tell their labels apart.

In: vectors of a text's passages, labels of whole texts. Out: weights of the passages and a vector a text
(`PassagePooling`), and whether these beat the mean of all passages (`choose_focus`).
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.learn.passages.passage_fitting import fit_passage_pooling
    from tilth.learn.passages.passage_pooling import PassagePooling, pooled
    from tilth.learn.passages.passage_views import Focus, choose_focus, together

__getattr__, __dir__ = lazy_exports(__name__)
