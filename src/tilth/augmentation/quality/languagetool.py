"""LanguageTool (Naber 2003) by the address of a server: its public HTTP API, many short texts a request."""

from __future__ import annotations

import json
import logging
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from operator import index
from typing import Any
from urllib.parse import urlencode

import httpx
import numpy as np

from tilth.augmentation.text import as_sentence
from tilth.errors import ConfigError

logger = logging.getLogger(__name__)

MAX_REQUEST_UNITS = 20_000
"""UTF-16 units in one request: the public server's limit, and what a server of one's own takes too."""
_ANSWER = 1 << 25  # bytes of an answer; a match takes about 1,000, and 20,000 letters hold no 30,000 matches
_PATIENCE = 3  # requests without an answer, after which no more are sent
_BREAK = "\n\n"  # ends a paragraph, and no rule that counts here looks beyond one
_STYLE = frozenset(
    {
        *("ACADEMIC_WRITING", "AMERICAN_ENGLISH_STYLE", "BRITISH_ENGLISH", "CASING", "COLLOQUIALISMS", "COMPOUNDING"),
        *("CREATIVE_WRITING", "GENDER_NEUTRALITY", "PLAIN_ENGLISH", "PUNCTUATION", "REDUNDANCY", "REGIONALISMS"),
        *("REPETITIONS_STYLE", "STYLE", "TEXT_ANALYSIS", "TYPOGRAPHY", "TYPOS", "WIKIPEDIA"),
    }
)
"""Categories that speak of style and spelling: users' rough style is not to be punished, as with Harper's."""
_STYLE_TYPES = frozenset({"formatting", "inconsistency", "locale-violation", "register", "style", "typographical"})
"""Types of issue that do. "misspelling" is none: LanguageTool calls "a apple" that; real ones are of category TYPOS."""
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Accept-Encoding": "identity"}
_NO_ANSWER = (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, RecursionError)  # the last: JSON nested too deep


class LanguageToolChecker:
    """Sends texts to a LanguageTool server; texts leave this machine if that server stands on another one.

    It is reached directly: no proxy of the environment comes between, no redirection is followed, and no scheme but
    http and https is spoken.

    Args:
        address: such as `http://127.0.0.1:8081`; `/v2/check` is added to it.
        language: LanguageTool's code of the texts' language.
        timeout: seconds that one request may take.

    Attributes:
        failures: requests that got no answer.

    Raises:
        ConfigError: nothing that speaks LanguageTool's API answers there.
    """

    name = "languagetool"

    def __init__(self, address: str, language: str = "en-US", timeout: float = 60.0) -> None:
        self.address = address
        self._language, self._timeout = language, timeout
        self.failures = 0
        try:
            self._check(["This is a sentence."])
        except _NO_ANSWER as error:
            raise ConfigError(
                f'grammar_server = "{address}" does not answer as LanguageTool does ({_brief(error)}); expected the '
                'address of a running LanguageTool server, e.g. "http://127.0.0.1:8081": start it, correct the '
                'address, or set grammar_server = ""'
            ) from None

    def problems(self, texts: Sequence[str]) -> np.ndarray:
        """Matches that are no matter of style (texts,); NaN where there was no answer, or the text is too long."""
        shown = [as_sentence(text) for text in texts]
        counts = np.array([float("nan") if text else 0.0 for text in shown])
        for batch in _batches(shown):
            if self.failures < _PATIENCE:
                counts[batch] = self._count([shown[place] for place in batch])
        return counts

    def _count(self, texts: Sequence[str]) -> Sequence[float]:
        try:
            return self._check(texts)
        except _NO_ANSWER as error:
            self.failures += 1
            ending = (
                "no further text is sent to it" if self.failures == _PATIENCE else "they count as having no problem"
            )
            logger.warning(
                "LanguageTool at %s gave no answer on %d texts (%s): %s",
                self.address,
                len(texts),
                _brief(error),
                ending,
            )
            return [float("nan")] * len(texts)

    def _check(self, texts: Sequence[str]) -> list[float]:
        """Problems of each of the texts, by one request."""
        starts = np.cumsum([0, *(_units(text + _BREAK) for text in texts)]).tolist()
        answer = json.loads(self._post(_BREAK.join(texts)))
        places: Counter[int] = Counter()
        for offset in _offsets(answer):
            if not 0 <= offset < starts[-1]:
                raise ValueError(f"a match at {offset}, beyond the text")
            places[bisect_right(starts, offset) - 1] += 1
        return [float(places[place]) for place in range(len(texts))]

    def _post(self, text: str) -> bytes:
        form = {
            "text": text,
            "language": self._language,
            "disabledCategories": ",".join(sorted(_STYLE)),  # saves the server most of its work; an old one ignores it
            "disabledRules": "EN_WORD_COHERENCY",  # compares a request's paragraphs, which here are separate texts
        }
        # Not as httpx would encode it, which fails where a text holds half of a surrogate pair.
        body = urlencode(form, errors="replace").encode()
        until = time.monotonic() + self._timeout
        answer = bytearray()
        with (
            httpx.Client(trust_env=False, timeout=self._timeout) as client,
            client.stream("POST", f"{self.address.rstrip('/')}/v2/check", content=body, headers=_HEADERS) as response,
        ):
            response.raise_for_status()
            for part in response.iter_raw():  # the timeout is one of each read, which a slow drip never meets
                answer += part
                if time.monotonic() > until or len(answer) > _ANSWER:
                    raise ValueError(f"an answer beyond {self._timeout:g} seconds or {_ANSWER:,} bytes")
        return bytes(answer)


def _units(text: str) -> int:
    """Length of a text as LanguageTool counts it, in UTF-16 units.

    >>> _units("a🙂")
    3
    """
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _batches(texts: Sequence[str]) -> Iterator[list[int]]:
    """Places of texts that go into one request together; empty texts and those too long for any go into none."""
    batch: list[int] = []
    size = 0
    for place, text in enumerate(texts):
        units = _units(text + _BREAK)
        if not text or units > MAX_REQUEST_UNITS:
            continue
        if size + units > MAX_REQUEST_UNITS:
            yield batch
            batch, size = [], 0
        batch.append(place)
        size += units
    if batch:
        yield batch


def _offsets(answer: Any) -> list[int]:
    """Where the matches that count begin, in UTF-16 units from the request's start.

    Raises:
        ValueError: this is no answer of LanguageTool's, or it says that it is not whole.
    """
    try:
        if answer.get("warnings", {}).get("incompleteResults"):
            raise ValueError("incomplete results")
        return [
            index(match["offset"])
            for match in answer["matches"]
            if match["rule"]["category"].get("id") not in _STYLE and match["rule"].get("issueType") not in _STYLE_TYPES
        ]
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("JSON that is not LanguageTool's") from error


def _brief(error: BaseException) -> str:
    """The error in a few words."""
    return (str(error) or type(error).__name__)[:200]
