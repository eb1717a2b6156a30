"""The link-grammar parser by its C library, which apt installs and pip does not."""

from __future__ import annotations

import ctypes
import re
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tilth.augmentation.text import as_sentence
from tilth.errors import ConfigError

MAX_WORDS = 30
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

    def links(self, text: str) -> list[str]:
        """How the words of a text hang together by its best parse: `label(left, right)`, in the text's order.

        Empty for a text that has no parse of all of its words, is too long or took too long. The labels are those of
        link-grammar without their subtypes: `S(card, has)` is a subject and its verb, `O` joins a verb to its object.
        """
        library = self._library
        with self._parsed(text) as sentence:
            if sentence is None or library.sentence_null_count(sentence):
                return []
            linkage = library.linkage_create(0, sentence, self._options)
            if not linkage:  # none of its linkages is valid
                return []
            ends = [
                (library.linkage_get_link_lword(linkage, k), library.linkage_get_link_rword(linkage, k), k)
                for k in range(library.linkage_get_num_links(linkage))
            ]
            named = [
                (library.linkage_get_link_label(linkage, k), *(library.linkage_get_word(linkage, end) for end in pair))
                for *pair, k in sorted(ends)
            ]
            links = [[part.decode("utf-8", "replace") for part in link] for link in named]
            library.linkage_delete(linkage)
        words = [(re.sub(r"[^A-Z].*", "", label), _plain(left), _plain(right)) for label, left, right in links]
        return [f"{label}({left}, {right})" for label, left, right in words if _is_word(left) and _is_word(right)]

    def _null_words(self, text: str) -> float:
        with self._parsed(text) as sentence:
            return float("nan") if sentence is None else float(self._library.sentence_null_count(sentence))

    @contextmanager
    def _parsed(self, text: str) -> Iterator[Any | None]:
        """A text's parse with as few words left out as can be; None where it is too long or took too long."""
        words = as_sentence(text).split()
        if not words or len(words) > MAX_WORDS:
            yield None
            return
        sentence = self._library.sentence_create(" ".join(words).encode("utf-8", "replace"), self._dictionary)
        try:
            yield sentence if self._parse(sentence) else None
        finally:
            self._library.sentence_delete(sentence)
            self._library.lg_error_clearall()

    def _parse(self, sentence: Any) -> bool:
        library, options = self._library, self._options
        library.parse_options_reset_resources(options)
        if library.sentence_split(sentence, options) < 0:
            return False
        # first without null words, which prunes far more; the library counts marks and the walls as words too
        for least, most in ((0, 0), (1, library.sentence_length(sentence))):
            library.parse_options_set_min_null_count(options, least)
            library.parse_options_set_max_null_count(options, most)
            linkages = library.sentence_parse(sentence, options)
            if library.parse_options_resources_exhausted(options):
                return False
            if linkages > 0:
                return True
        return False


def _plain(word: str) -> str:
    """A word without what the dictionary adds to it: `card.n` and `paypal[!]` to `card` and `paypal`."""
    return re.sub(r"(?:\[[^\]]*\])?(?:\.[a-z=-]+)?$", "", word)


def _is_word(word: str) -> bool:
    """Neither a mark nor one of the walls around a sentence."""
    return any(map(str.isalnum, word)) and not word.endswith("-WALL")


def link_grammar_version() -> str:
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
    pointer, text, number, place = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t
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
        "linkage_create": (pointer, [place, pointer, pointer]),
        "linkage_get_num_links": (place, [pointer]),
        "linkage_get_link_lword": (place, [pointer, place]),
        "linkage_get_link_rword": (place, [pointer, place]),
        "linkage_get_link_label": (text, [pointer, place]),
        "linkage_get_word": (text, [pointer, place]),
        "linkage_delete": (None, [pointer]),
    }
    for option in ("verbosity", "linkage_limit", "max_parse_time", "islands_ok", "min_null_count", "max_null_count"):
        signatures[f"parse_options_set_{option}"] = (None, [pointer, number])
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
