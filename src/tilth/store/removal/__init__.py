"""What is removed of a workspace, and nothing else removes anything.

In: a workspace; the ids of rows that must go. Out: old runs and cached values gone (`clean_workspace`), or every trace
of some rows (`forget_tables`, `forget_caches`), and what was removed. Whatever keeps something of rows elsewhere is one
more place that `forgetting.py` looks at.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.store.removal.forgetting import find_everywhere, forget_caches, forget_tables
    from tilth.store.removal.forgotten_ids import add_tombstones, tombstones
    from tilth.store.removal.mentions import KNOWN_LETTERS, Forgotten
    from tilth.store.removal.retention import clean_workspace, cleaning_in_words

__getattr__, __dir__ = lazy_exports(__name__)
