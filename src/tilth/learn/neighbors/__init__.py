"""The nearest rows of each row, and labels that spread over them.

In: unit vectors of rows. Out: for each row its nearest ones and their cosines (`nearest`), by brute force or an index
whose lists take up what changed (`search_lists`);
labels and how sure they are, spread over the graph of these (`spread`); which row stays for its near copies
(`NearCopies`).
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.learn.neighbors.label_spreading import NEAREST, graph, spread
    from tilth.learn.neighbors.near_copies import CANDIDATES, NEAR_COPY, NearCopies
    from tilth.learn.neighbors.neighbor_index import fit_centers
    from tilth.learn.neighbors.neighbor_lists import NeighborLists, search_lists
    from tilth.learn.neighbors.neighbors import Neighbors, filled, is_exact, nearest, within

__getattr__, __dir__ = lazy_exports(__name__)
