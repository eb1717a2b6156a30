"""Grammar checkers behind one protocol; what counts is the difference between a paraphrase and its source."""

from __future__ import annotations

import ctypes
import logging
import re
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from tilth.errors import ConfigError
from tilth.text import normal_form

logger = logging.getLogger(__name__)

LONGEST = 30
"""Words of the longest text that link-grammar parses: the work grows with the cube of the length."""
_SECONDS = 2  # a guard against a runaway parse alone; the linkage limit bounds the work of a usual one
_LINKAGES = 100
_STYLE = frozenset({"Capitalization", "Enhancement", "Formatting", "Readability", "Style", "Spelling", "Punctuation"})
"""Harper's kinds that speak of style: users' rough style is not to be punished, and spelling follows the corpus."""


class Checker(Protocol):
    """Counts grammar problems."""

    name: str

    def problems(self, texts: Sequence[str]) -> np.ndarray:
        """Problems in each text (texts,); NaN where the checker has no answer."""


class HarperChecker:
    """Harper's rules, in process (harper-py)."""

    name = "harper"

    @cached_property
    def _linter(self) -> Any:
        from harper import Linter

        return Linter()

    def problems(self, texts: Sequence[str]) -> np.ndarray:
        """Lints that are no matter of style (texts,)."""
        return np.array([self._count(text) for text in texts], dtype=float)

    def _count(self, text: str) -> int:
        from harper import Language

        lints = self._linter.lint(presentable(text), language=Language.PLAINTEXT)
        return sum(lint.lint_kind not in _STYLE for lint in lints)


class LinkGrammarChecker:
    """The link-grammar parser (Sleator & Temperley 1991), by its C library where that is installed."""

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
        library.lg_error_set_handler(None, None)  # it would write to standard error
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

    def problems(self, texts: Sequence[str]) -> np.ndarray:
        """Words that fit into no parse (texts,); NaN for a text that is too long."""
        return np.array([self._null_words(text) for text in texts], dtype=float)

    def _null_words(self, text: str) -> float:
        words = presentable(text).split()
        if not words or len(words) > LONGEST:
            return float("nan")
        library, options = self._library, self._options
        sentence = library.sentence_create(" ".join(words).encode("utf-8", "replace"), self._dictionary)
        try:
            library.parse_options_reset_resources(options)
            library.parse_options_set_min_null_count(options, 0)
            library.parse_options_set_max_null_count(options, 0)
            if library.sentence_split(sentence, options) < 0:
                return float("nan")
            if library.sentence_parse(sentence, options) > 0:
                return 0.0
            library.parse_options_set_min_null_count(options, 1)
            library.parse_options_set_max_null_count(options, len(words))
            found = library.sentence_parse(sentence, options)
            return float(library.sentence_null_count(sentence)) if found > 0 else float("nan")
        finally:
            library.sentence_delete(sentence)

    def close(self) -> None:
        """Frees what the C library holds."""
        if self._options:
            self._library.parse_options_delete(self._options)
            self._library.dictionary_delete(self._dictionary)
            self._options = None


def _library() -> Any | None:
    """The C library with its signatures declared, or None where it is not installed."""
    try:
        library = ctypes.CDLL("liblink-grammar.so.5")
    except OSError:
        return None
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "lg_error_set_handler": (pointer, [pointer, pointer]),
        "dictionary_create_lang": (pointer, [text]),
        "dictionary_delete": (number, [pointer]),
        "parse_options_create": (pointer, []),
        "parse_options_delete": (number, [pointer]),
        "parse_options_reset_resources": (None, [pointer]),
        "sentence_create": (pointer, [text, pointer]),
        "sentence_split": (number, [pointer, pointer]),
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


class RepetitionChecker:
    """Finds what a denoiser does that no person does: a word said twice in a row, a long word said again."""

    name = "repetition"

    def problems(self, texts: Sequence[str]) -> np.ndarray:
        """Words that repeat the one before, and words of four letters or more beyond their first time (texts,)."""
        return np.array([self._count(normal_form(text).split()) for text in texts], dtype=float)

    @staticmethod
    def _count(words: Sequence[str]) -> int:
        twice = sum(one == two for one, two in pairwise(words))
        longer = [word for word in words if len(word) > 3]
        return twice + len(longer) - len(set(longer))


def checkers(word: str) -> list[Checker]:
    """The checkers of a config's word.

    Raises:
        ConfigError: one was asked for by name and is not installed; the message says how to install it.
    """
    found: list[Checker] = [RepetitionChecker()]
    if word == "denoiser":
        return found
    if word == "link-grammar":
        return [*found, LinkGrammarChecker()]
    found.append(HarperChecker())
    if word == "harper":
        return found
    try:
        found.append(LinkGrammarChecker())
    except ConfigError as missing:
        logger.info("grammar: harper and the denoiser alone (%s)", missing)
    return found


def presentable(text: str) -> str:
    """A text as a checker wants it: a capital first, I in capitals, a mark at the end.

    >>> presentable("can i pay")
    'Can I pay.'
    """
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\bi\b", "I", text)
    text = text[:1].upper() + text[1:]
    return text if not text or text[-1] in ".!?" else f"{text}."


def added_problems(checker: Checker, sources: Sequence[str], paraphrases: Sequence[str]) -> np.ndarray:
    """Problems of each paraphrase beyond its source's, 0 or more (texts,); a checker without an answer adds none."""
    texts = sorted({*sources, *paraphrases})
    count = dict(zip(texts, checker.problems(texts), strict=True))
    change = [count[new] - count[old] for old, new in zip(sources, paraphrases, strict=True)]
    return np.nan_to_num(np.maximum(0.0, np.array(change, dtype=float)), nan=0.0)
