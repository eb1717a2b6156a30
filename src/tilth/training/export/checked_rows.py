"""What a model is asked about: texts and pictures, and nothing that only looks like them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tilth.errors import RequestError

LONGEST = 10_000_000
"""Characters of a text; splitting one that is longer into tokens takes minutes and gigabytes."""


def is_one(texts: Any, pictures: Any) -> bool:
    """Whether one row is asked about, and no list of them.

    Raises:
        RequestError: nothing is given.
    """
    if texts is None and pictures is None:
        raise RequestError("expected texts, pictures or both, found neither")
    if texts is None:
        return isinstance(pictures, str | bytes | bytearray) or not isinstance(pictures, Sequence)
    return isinstance(texts, str)


def paired(texts: Any, pictures: Any) -> tuple[Sequence[str], Sequence[Any] | None]:
    """The texts and the pictures of the same rows: of pictures alone, and where a text is None beside, empty texts.

    Raises:
        RequestError: there are more of one than of the other, or what is given as pictures is no list.
    """
    if pictures is None:
        return texts, None
    if isinstance(pictures, str | bytes | bytearray | Mapping) or hasattr(pictures, "columns"):
        raise RequestError(f"expected a list of pictures, one a row, found {type(pictures).__name__}")
    pictures = list(pictures)
    if texts is None:
        return [""] * len(pictures), pictures
    if isinstance(texts, str | bytes | Mapping) or hasattr(texts, "columns"):
        check_texts(texts)
    texts = ["" if text is None else text for text in texts]
    if len(texts) != len(pictures):
        raise RequestError(
            f"found {len(texts)} texts and {len(pictures)} pictures, expected one of each a row; give None where a row "
            "has none"
        )
    return texts, pictures


def check_texts(texts: Any) -> None:
    """Refuse what would be answered letter by letter, or by the names of its columns, and what no text holds.

    Raises:
        RequestError: naming the place of the first that is no text.
    """
    if isinstance(texts, (str, bytes, Mapping)) or hasattr(texts, "columns"):
        raise RequestError(
            f'expected a list of texts, found {type(texts).__name__}; of a table give a column, rows["text"]'
        )
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise RequestError(f"expected texts, found {text!r} at place {place}; leave out what is missing")
        if len(text) > LONGEST:
            raise RequestError(
                f"the text at place {place} has {len(text):,} characters, expected at most {LONGEST:,}; split it"
            )
        if not text.isascii() and _is_broken(text):
            raise RequestError(
                f"the text at place {place} holds half a character (a surrogate), which is not valid Unicode; "
                'decode it with errors="replace"'
            )


def _is_broken(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
