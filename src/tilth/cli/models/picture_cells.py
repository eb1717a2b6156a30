"""The pictures of a file's rows, for `tilth predict`: a bad one is set aside and counted, and its row goes on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.errors import RequestError, did_you_mean

if TYPE_CHECKING:
    from tilth.io import Piece
    from tilth.training import Predictor


class PictureCells:
    """A column of pictures, read a part at a time.

    Attributes:
        column: its name.
        aside: for each kind of trouble, how many pictures could not be used for it.
        first: the row of the first, from 1; None without any.

    Args:
        column: its name.
        base: the file's folder, which paths start from, and lead out of in vain.
        max_pixels: of a picture.
    """

    def __init__(self, column: str, base: Path, max_pixels: int) -> None:
        self.column, self._base, self._max_pixels = column, base, max_pixels
        self.aside: dict[str, int] = {}
        self.first: int | None = None
        self._rows = 0

    @classmethod
    def of(
        cls, predictor: Predictor, piece: Piece, file: str, column: str | None, *, required: bool
    ) -> PictureCells | None:
        """The column that holds a file's pictures; None where it has none, or the model knows none.

        Args:
            predictor: the model.
            piece: the first rows of the file.
            file: its name.
            column: its name; None where the model's night had none.
            required: whether it must be there.

        Raises:
            RequestError: a column was named that is not there, or the model knows no pictures.
        """
        settings = predictor.settings.get("pictures")
        if settings is None:
            if required:
                raise RequestError(
                    f"--image {column}: this model knows no pictures, for its night had no column of them; leave it out"
                )
            return None
        if column is None or column not in piece.columns:
            if required:
                near = did_you_mean(str(column), piece.columns)
                raise RequestError(f'{file}: no column "{column}"; {near} (--image COLUMN)')
            return None
        base = Path(file).resolve().parent if Path(file).is_file() else Path.cwd()
        return cls(str(column), base, int(settings["max_pixels"]))

    def read(self, piece: Piece) -> list[Path | bytes | None]:
        """Each row's picture, as the model takes it; None where it has none that can be used."""
        return [self._usable(value) for value in piece.raw(self.column)]

    def _usable(self, value: Any) -> Path | bytes | None:
        from tilth.io import picture_value, read_picture
        from tilth.pictures import PictureError, require_pillow

        self._rows += 1
        named = picture_value(value)
        if named is None:
            return None
        require_pillow("--image")
        try:
            path, content, _ = read_picture(named, self._base, self._max_pixels)
        except PictureError as error:
            self._set_aside(error.kind)
            return None
        return path or content

    def _set_aside(self, kind: str) -> None:
        self.aside[kind] = self.aside.get(kind, 0) + 1
        if self.first is None:
            self.first = self._rows

    def warnings(self) -> Sequence[str]:
        """What to say of pictures that could not be used."""
        if not self.aside:
            return ()
        kinds = ", ".join(f"{kind.replace('_', ' ')}: {count}" for kind, count in sorted(self.aside.items()))
        return (f"pictures that could not be used, whose rows went by their text ({kinds}; first: row {self.first})",)
