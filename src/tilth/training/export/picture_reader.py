"""From pictures to vectors by an exported model of pictures, one at a time, so that no answer depends on a neighbor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tilth.errors import RequestError
from tilth.learn.pictures import Preparation
from tilth.pictures import PictureError, open_picture, require_pillow, to_rgb

if TYPE_CHECKING:
    from PIL.Image import Image

Picture: TypeAlias = "str | Path | bytes | bytearray | Image"
"""A path, a file's content, or a picture of Pillow's."""


class PictureReader:
    """An exported model of pictures at work; it loads with the first picture.

    Args:
        open_graph: opens the session of its graph.
        settings: `pictures` of the model folder's settings.
        threads: pictures that are read at the same time.
    """

    def __init__(self, open_graph: Callable[[], Any], settings: Mapping[str, Any], threads: int) -> None:
        self._open_graph, self._threads = open_graph, threads
        self._preparation = Preparation.from_json(settings["preparation"])
        self._max_pixels, self.dimensions = int(settings["max_pixels"]), int(settings["dimensions"])

    def embed(self, pictures: Sequence[Picture | None]) -> np.ndarray:
        """L2-normalized vectors, float32, shape (pictures, dimensions); zeros for None.

        Raises:
            RequestError: Pillow is not installed; or one is no picture, not a whole one, or larger than allowed.
        """
        vectors = np.zeros((len(pictures), self.dimensions), dtype=np.float32)
        places = [place for place, picture in enumerate(pictures) if picture is not None]
        if not places:
            return vectors
        require_pillow("a picture")
        session = self._session

        def read(place: int) -> np.ndarray:
            pixels = self._pixels(pictures[place], place)[None]
            found: np.ndarray = session.run(["picture_vector"], {"pixels": pixels})[0]
            return found[0]

        with ThreadPoolExecutor(min(self._threads, len(places))) as pool:  # ONNX Runtime lets go of the lock
            for place, vector in zip(places, pool.map(read, places), strict=True):
                vectors[place] = vector
        return vectors

    @cached_property
    def _session(self) -> Any:
        return self._open_graph()

    def _pixels(self, picture: Any, place: int) -> np.ndarray:
        """One picture as the model reads it, float32, shape (3, side, side)."""
        if hasattr(picture, "convert") and hasattr(picture, "getbands"):
            return self._preparation.pixels(to_rgb(picture))
        named = f" ({picture})" if isinstance(picture, str | Path) else ""
        try:
            content = picture if isinstance(picture, bytes | bytearray) else Path(picture).read_bytes()
            return self._preparation.pixels(open_picture(bytes(content), self._max_pixels)[0])
        except TypeError:
            kind = type(picture).__name__
            raise RequestError(
                f"expected a picture at place {place}, found {kind}; give a path, bytes, a picture of Pillow's, or None"
            ) from None
        except OSError as error:
            raise RequestError(f"the picture at place {place}{named} cannot be read: {error}") from error
        except PictureError as error:
            raise RequestError(f"the picture at place {place}{named} cannot be used: {error}") from error
