"""Texts to vectors.

In: texts. Out: L2-normalized vectors, one a text, cached by content (`Encoder`); and the same model as a torch module
with its tokens, for fine-tuning and export (`Trunk`, `WindowedTrunk`, `Tokens`). Any transformers model that
`resolve_model` finds is an encoder by one line of the config; another kind of input gets a module of its own beside
`text_encoder`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.learn.encoder.checkpoint import WHEEL, resolve_model, wheel_path
    from tilth.learn.encoder.chunking import chunked, joined
    from tilth.learn.encoder.passage_encoding import encode_blocks, encode_passages
    from tilth.learn.encoder.passages import Cut, Passages, cut, once
    from tilth.learn.encoder.text_encoder import Encoder
    from tilth.learn.encoder.tokenizer import Tokens
    from tilth.learn.encoder.trunk import Trunk, encode_with_trunk
    from tilth.learn.encoder.window_adaptation import adapt_windows
    from tilth.learn.encoder.windowed_trunk import LongTexts, WindowedTrunk, new_trunk

__getattr__, __dir__ = lazy_exports(__name__)
