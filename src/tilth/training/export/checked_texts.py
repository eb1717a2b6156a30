"""What a model is asked about: texts, and nothing that only looks like them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tilth.errors import RequestError

LONGEST = 10_000_000
"""Characters of a text; splitting one that is longer into tokens takes minutes and gigabytes."""


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
                f"the text at place {place} holds half a character (a surrogate), which is no Unicode; decode it with "
                'errors="replace"'
            )


def _is_broken(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
