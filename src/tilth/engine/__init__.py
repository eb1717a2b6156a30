"""Where blocks of rows are computed: in this process, or by workers beside it.

In: a function, and blocks that it can be called on one by one. Out: its results, in order, and the same ones wherever
they were computed (`map_blocks`). tilth itself knows no workers: a night's flow hands over a `BlockRunner` for as long
as it runs (`computed_by`). What shards work calls `map_blocks` with a function of a module's top, whose arguments can
be pickled.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.engine.blocks import Packed, compute_block, computed_by, has_workers, map_blocks
    from tilth.engine.checks import check_engine, code_and_libraries

__getattr__, __dir__ = lazy_exports(__name__)
