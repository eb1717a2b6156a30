"""Pictures to vectors.

In: files of pictures, each known by the digest of its content. Out: L2-normalized vectors, one a picture, cached by
content (`PictureEncoder`). Any transformers model that takes pixels is a model of pictures by one line of the config;
the default one comes in a wheel.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.learn.pictures.picture_encoder import PictureEncoder
    from tilth.learn.pictures.preparation import Preparation

__getattr__, __dir__ = lazy_exports(__name__)
