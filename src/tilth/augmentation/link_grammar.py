"""The link-grammar parser by its C library, which apt installs and pip does not."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from tilth.augmentation.wording import presentable
from tilth.errors import ConfigError

LONGEST = 30
"""Words of the longest text that link-grammar parses: the work grows with the cube of the length."""
_SECONDS = 2  # of the processor, a text: a guard against a runaway parse; the linkage limit bounds a usual one's work
_LINKAGES = 100


class LinkGrammarChecker:
    """The link-grammar parser (Sleator & Temperley 1991), by its C library where that is installed.

    Args:
        language: code of a dictionary that is installed beside the library.

    Raises:
        ConfigError: the library or the dictionary is not installed.
    """

    name = "link-grammar"
    install = "apt-get install liblink-grammar5 link-grammar-dictionaries-en"

    def __init__(self, language: str = "en") -> None:
        library = _library()
        if library is None:
            raise ConfigError(
                f'grammar = "{self.name}" needs liblink-grammar.so.5, which is not installed; '
                f'install it ({self.install}) or set grammar = "auto"'
            )
        self._library = library
        library.lg_error_set_handler(None, None)  # it would write to standard error; now it queues what it has to say
        self._dictionary = library.dictionary_create_lang(language.encode())
        if not self._dictionary:
            raise ConfigError(
                f'grammar = "{self.name}" found the library but no dictionary for "{language}"; {self.install}'
            )
        self._options = library.parse_options_create()
        library.parse_options_set_verbosity(self._options, 0)
        library.parse_options_set_linkage_limit(self._options, _LINKAGES)
        library.parse_options_set_max_parse_time(self._options, _SECONDS)
        library.parse_options_set_islands_ok(self._options, 0)
        weakref.finalize(self, _free, library, self._options, self._dictionary)

    def problems(self, texts: Sequence[str]) -> np.ndarray:
        """Words and marks that fit into no parse (texts,); NaN for a text that is too long or took too long."""
        return np.array([self._null_words(text) for text in texts], dtype=float)

    def _null_words(self, text: str) -> float:
        words = presentable(text).split()
        if not words or len(words) > LONGEST:
            return float("nan")
        library, options = self._library, self._options
        sentence = library.sentence_create(" ".join(words).encode("utf-8", "replace"), self._dictionary)
        try:
            library.parse_options_reset_resources(options)
            if library.sentence_split(sentence, options) < 0:
                return float("nan")
            # first without null words, which prunes far more; the library counts marks and the walls as words too
            for least, most in ((0, 0), (1, library.sentence_length(sentence))):
                library.parse_options_set_min_null_count(options, least)
                library.parse_options_set_max_null_count(options, most)
                found = library.sentence_parse(sentence, options)
                if library.parse_options_resources_exhausted(options):
                    return float("nan")
                if found > 0:
                    return float(library.sentence_null_count(sentence))
            return float("nan")
        finally:
            library.sentence_delete(sentence)
            library.lg_error_clearall()


def version() -> str:
    """What the installed library calls itself; "" where none is installed."""
    library = _library()
    return "" if library is None else str(library.linkgrammar_get_version().decode("utf-8", "replace"))


def _free(library: Any, options: Any, dictionary: Any) -> None:
    library.parse_options_delete(options)
    library.dictionary_delete(dictionary)


def _library() -> Any | None:
    """The C library with its signatures declared, or None where it is not installed."""
    try:
        library = ctypes.CDLL("liblink-grammar.so.5")
    except OSError:
        return None
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "linkgrammar_get_version": (text, []),
        "lg_error_set_handler": (pointer, [pointer, pointer]),
        "lg_error_clearall": (number, []),
        "dictionary_create_lang": (pointer, [text]),
        "dictionary_delete": (number, [pointer]),
        "parse_options_create": (pointer, []),
        "parse_options_delete": (number, [pointer]),
        "parse_options_reset_resources": (None, [pointer]),
        "parse_options_resources_exhausted": (number, [pointer]),
        "sentence_create": (pointer, [text, pointer]),
        "sentence_split": (number, [pointer, pointer]),
        "sentence_length": (number, [pointer]),
        "sentence_parse": (number, [pointer, pointer]),
        "sentence_null_count": (number, [pointer]),
        "sentence_delete": (None, [pointer]),
    }
    for option in ("verbosity", "linkage_limit", "max_parse_time", "islands_ok", "min_null_count", "max_null_count"):
        signatures[f"parse_options_set_{option}"] = (None, [pointer, number])
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
