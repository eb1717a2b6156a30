"""Grammar checkers behind one protocol; what counts is the difference between a paraphrase and its source."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from tilth.augmentation.quality.acceptability import AcceptabilityChecker
from tilth.augmentation.quality.languagetool import LanguageToolChecker
from tilth.augmentation.quality.link_grammar import LinkGrammarChecker
from tilth.augmentation.text import as_sentence
from tilth.errors import ConfigError
from tilth.text import normal_form

logger = logging.getLogger(__name__)

_STYLE = frozenset({"Capitalization", "Enhancement", "Formatting", "Readability", "Style", "Spelling", "Punctuation"})
"""Harper's kinds that speak of style: users' rough style is not to be punished, and spelling follows the corpus."""
_MARKS = re.compile(r"[,;:]\s*[.,;:!?]")


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

        lints = self._linter.lint(as_sentence(text), language=Language.PLAINTEXT)
        return sum(lint.lint_kind not in _STYLE for lint in lints)


class RepetitionChecker:
    """Finds what no person writes: a word twice in a row, a long word again, a comma before another mark."""

    name = "repetition"

    def problems(self, texts: Sequence[str]) -> np.ndarray:
        """Such marks, words that repeat the one before, and ones of four letters or more beyond the first (texts,)."""
        return np.array([self._count(text) for text in texts], dtype=float)

    @staticmethod
    def _count(text: str) -> int:
        words = normal_form(text).split()
        twice = sum(one == two for one, two in pairwise(words))
        longer = [word for word in words if len(word) > 3]
        return len(_MARKS.findall(text)) + twice + len(longer) - len(set(longer))


def make_checkers(grammar: str, server: str = "", device: str = "cpu") -> list[Checker]:
    """The checkers that a config names, the cheapest first, and LanguageTool where the address of a server is given.

    Args:
        grammar: `[augmentation] grammar`.
        server: `[augmentation] grammar_server`.
        device: Where the acceptability model runs, by PyTorch's name.

    Raises:
        ConfigError: one that is named is not installed, or no LanguageTool answers at the address; the
            message says what to do.
    """
    checkers: list[Checker] = [RepetitionChecker()]
    if grammar in ("auto", "harper"):
        checkers.append(HarperChecker())
    if grammar == "link-grammar":
        checkers.append(LinkGrammarChecker())
    if grammar == "auto":
        try:
            checkers.append(LinkGrammarChecker())
        except ConfigError as missing:
            logger.info("grammar: without link-grammar (%s)", missing)
    if grammar in ("auto", "acceptability"):
        checkers.append(AcceptabilityChecker(device=device))
    if server or grammar == "languagetool":
        checkers.append(LanguageToolChecker(server))
    return checkers


def unavailable_services(checks: Sequence[Checker]) -> tuple[str, ...]:
    """Names of those that failed to answer, through no fault of the texts."""
    return tuple(one.name for one in checks if isinstance(one, LanguageToolChecker) and one.failures)


def added_problems(checker: Checker, sources: Sequence[str], paraphrases: Sequence[str]) -> np.ndarray:
    """Problems of each paraphrase beyond its source's, 0 or more (texts,); a checker without an answer adds none."""
    texts = sorted({*sources, *paraphrases})
    count = dict(zip(texts, checker.problems(texts), strict=True))
    change = [count[new] - count[old] for old, new in zip(sources, paraphrases, strict=True)]
    return np.nan_to_num(np.maximum(0.0, np.array(change, dtype=float)), nan=0.0)
