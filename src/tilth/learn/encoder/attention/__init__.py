"""Attention of long texts by blocks of tokens, with windows that meaning widens (experimental).

In: a transformers model and one text's token ids. Out: the states of all its tokens, read in one pass (`LongReader`).
`windows` decides which blocks see which; `block_attention` does so; another rule is a function from block summaries to
pairs of blocks, and a name in `windows.RULES`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.learn.encoder.attention.block_attention import block_vectors
    from tilth.learn.encoder.attention.long_reader import LongReader
    from tilth.learn.encoder.attention.windows import BLOCK

__getattr__, __dir__ = lazy_exports(__name__)
