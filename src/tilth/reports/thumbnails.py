"""A row's picture made small, for the pages that show it: read where it stands, if it is still the one of the night."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tilth.errors import RequestError
from tilth.pictures import PictureError, require_pillow, thumbnail
from tilth.store import digest

_MAX_PIXELS = 50_000_000


class Thumbnails:
    """Thumbnails of one night's rows.

    Attributes:
        why_not: why there are none at all, in a sentence; None where they can be made.

    Args:
        record: the night's `run.json`, which says where paths start from and how large a picture may be.
        side: of the square that they fit into, in pixels.
    """

    def __init__(self, record: Mapping[str, Any], side: int) -> None:
        self._root = Path(str((record.get("workspace") or {}).get("root") or "."))
        image = (record.get("config") or {}).get("image") or {}
        self._max_pixels, self._side = int(image.get("max_pixels") or _MAX_PIXELS), side
        self.why_not: str | None = None
        try:
            require_pillow("to show pictures")
        except RequestError as error:
            self.why_not = str(error)

    def of(self, path: Any, content: Any) -> bytes | None:
        """One as JPEG; None where the picture is gone, is another than that night, or cannot be read.

        Args:
            path: as the table has it.
            content: the digest of its content that night.
        """
        if self.why_not is not None or not isinstance(path, str) or not isinstance(content, str):
            return None
        try:
            read = (self._root / path).read_bytes()
            return thumbnail(read, self._side, self._max_pixels) if digest(read) == content else None
        except (OSError, PictureError):
            return None
