"""Pictures from files that strangers made: decoded by Pillow, never beyond a limit of pixels, always RGB.

Pillow comes with the extra `images` and loads with the first picture.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

from tilth.errors import RequestError

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")
"""What is opened; Pillow reads others too, some of them by programs that it starts."""
PICTURES_OF = "pictures of "
"""How the pictures of an input file begin in a run's record, beside the file itself."""
INSTALL = 'pip install "tilth[images]"'
_LONGEST_SIDE = 65_535  # pixels: JPEG's own limit; what is longer is no picture to look at
_QUALITY = 70  # of a thumbnail as JPEG
_WIDE_GRAY = 257  # 65,535 / 255: a gray of 16 bits as one of 8


class PictureError(ValueError):
    """A picture that cannot be used.

    Attributes:
        kind: `broken` (no picture, or not a whole one), `too_large` (more pixels or bytes than allowed), `missing` or
            `outside` (of the folder that it may stand in).
    """

    def __init__(self, kind: str, why: str) -> None:
        super().__init__(why)
        self.kind = kind


def require_pillow(setting: str = "data.image") -> None:
    """Check that pictures can be read here.

    Raises:
        RequestError: the extra `images` is not installed.
    """
    try:
        import PIL.Image  # noqa: F401 - whether it is there is all that is asked
    except ImportError as error:
        raise RequestError(f"{setting} needs Pillow, which is not installed: {INSTALL}") from error


def open_picture(content: bytes, max_pixels: int) -> tuple[Image, bool]:
    """Decode a picture: its first frame, turned as its camera says, on white where it is transparent, in RGB.

    Args:
        content: of a file of one of `FORMATS`.
        max_pixels: of the picture, as its header says them; checked before anything is decoded.

    Returns:
        The picture, and whether it has more frames than the one that was taken.

    Raises:
        PictureError: it is no picture, not a whole one, or larger than allowed.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow's own limit and of odd metadata: the limit here is ours
            with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
                _check_size(opened.width, opened.height, max_pixels)
                animated = bool(getattr(opened, "is_animated", False))
                opened.seek(0)
                opened.load()
                return to_rgb(opened), animated
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0)  # where Pillow itself stops
        raise PictureError("too_large", f"it has more than {most:,} pixels, allowed are {max_pixels:,}") from error
    except UnidentifiedImageError as error:
        raise PictureError("broken", f"it is none of {', '.join(FORMATS)}") from error
    except Exception as error:  # Pillow's decoders raise a dozen kinds; each means that the file is not whole
        raise PictureError("broken", f"{type(error).__name__}: {error}") from error


def _check_size(width: int, height: int, max_pixels: int) -> None:
    size = f"{width:,} x {height:,}"
    if (pixels := width * height) > max_pixels:
        raise PictureError("too_large", f"{size} = {pixels:,} pixels, allowed are {max_pixels:,}")
    if max(width, height) > _LONGEST_SIDE:
        raise PictureError("too_large", f"{size} pixels, a side may have {_LONGEST_SIDE:,}")


def thumbnail(content: bytes, side: int, max_pixels: int) -> bytes:
    """A picture made small, as JPEG, for a page.

    Args:
        content: of a file of one of `FORMATS`.
        side: of the square that it fits into.
        max_pixels: of the picture, as in `open_picture`.

    Raises:
        PictureError: as `open_picture`.
    """
    picture, _ = open_picture(content, max_pixels)
    picture.thumbnail((side, side))
    made = io.BytesIO()
    picture.save(made, "JPEG", quality=_QUALITY, optimize=True)
    return made.getvalue()


def to_rgb(picture: Any) -> Image:
    """A picture of Pillow's, turned as its camera says, on white where it is transparent, in RGB."""
    from PIL import Image, ImageOps

    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):
        import numpy as np

        gray = np.asarray(picture).astype(np.float64) / _WIDE_GRAY
        picture = Image.fromarray(gray.round().clip(0, 255).astype(np.uint8))
    if picture.mode == "P" or "transparency" in picture.info or "A" in picture.getbands():
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture if picture.mode == "RGB" else picture.convert("RGB")
