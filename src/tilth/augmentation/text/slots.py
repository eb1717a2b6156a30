"""What a paraphrase must keep word for word: amounts, dates, numbers, ids, addresses, names and negation."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_UNIT = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    "|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
)
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_NUMERAL = rf"(?:{_UNIT}|{_TENS}|hundred|thousand|million|billion|dozen)"
_ORDINAL = r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|\d+(?:st|nd|rd|th))"
_AMOUNT = r"\d+(?:[.,]\d+)*"

_PATTERNS: tuple[tuple[str, str], ...] = (
    ("url", r"(?:https?://|www\.)\S+"),
    ("email", r"[\w.+-]+@[\w-]+\.[\w.-]*\w"),
    ("template", r"\{\{[^{}]*\}\}|\{[^{}\s]*\}|<[^<>\s][^<>]*>|\[[A-Z_]+\]"),
    ("quote", r"\"[^\"]{1,80}\"|\u201c[^\u201d]{1,80}\u201d|(?<!\w)'[^']{1,80}'(?!\w)"),
    ("money", rf"[$€£¥]\s?{_AMOUNT}[km]?\b|\b{_AMOUNT}\s?(?:dollars?|euros?|pounds?|cents?|usd|eur|gbp)\b|[$€£¥]"),
    ("percent", rf"{_AMOUNT}\s?(?:%|percent\b)"),
    ("time", r"\b\d{1,2}(?::\d{2})+(?:\s?[ap]\.?m\b\.?)?|\b\d{1,2}\s?[ap]\.?m\b\.?|\b(?:noon|midnight)\b"),
    (
        "date",
        rf"\b\d{{1,4}}[/-]\d{{1,2}}[/-]\d{{1,4}}\b|\b{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?\b(?:,?\s+\d{{4}})?"
        rf"|\b\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}\b|\b{_DAY}s?\b"
        r"|\b(?:january|february|april|june|july|august|september|october|november|december)\b"
        r"|\b(?:today|tomorrow|yesterday|tonight)\b",
    ),
    ("phone", r"\+?\(?\d[\d\s().-]{6,}\d"),
    ("id", r"#\w+|\b(?=[\w-]*\d)(?=[\w-]*[a-zA-Z])\w+(?:-\w+)*\b"),
    ("number", rf"\b{_AMOUNT}\b|\b{_NUMERAL}(?:[\s-]+(?:and\s+)?{_NUMERAL})*\b|\b{_ORDINAL}\b"),
    (
        "negation",
        r"\b(?:not|never|no|none|nobody|nothing|neither|nor|without|cannot|cant|dont|wont|didnt|doesnt|isnt"
        r"|hasnt|havent|wasnt|couldnt|unable)\b|\b\w+n['\u2019]t\b",
    ),
)
_COMPILED = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _PATTERNS)
_WORD = r"(?:[A-Z]|[a-z]+[A-Z])[\w\u2019'-]*"
_NAME = re.compile(rf"\b{_WORD}(?:\s+(?:of\s+)?{_WORD})*")
_SENTENCE_START = re.compile(r"(?:^|[.!?:]\s+|[\"\u201c(]\s*)$")
_ORDINARY = (
    "i i'm i've i'd i'll a an the and or but so if my me you your we our they he she it is are do does did can could "
    "will would what when where why who how which please hi hello hey thanks thank ok okay yes"
)
_NOT_NAMES = frozenset(_ORDINARY.split())
_CURLY = str.maketrans("\u2019", "'")


@dataclass(frozen=True, order=True)
class Slot:
    """A span `text[start:end]` that a paraphrase must keep, and what it is."""

    start: int
    end: int
    kind: str
    text: str


def find_slots(text: str) -> list[Slot]:
    """The protected spans of a text in order, none overlapping; of two that clash the earlier kind stays.

    >>> [(slot.kind, slot.text) for slot in find_slots("I didn't pay $20 on 3 May to Ann Lee")]
    [('negation', "didn't"), ('money', '$20'), ('date', '3 May'), ('name', 'Ann Lee')]
    """
    slots: list[Slot] = []
    for kind, pattern in _COMPILED:
        for match in pattern.finditer(text):
            _add(slots, Slot(match.start(), match.end(), kind, match.group()))
    for match in _NAME.finditer(text):
        if (name := _name(text, match)) is not None:
            _add(slots, name)
    return sorted(slots)


def _add(slots: list[Slot], slot: Slot) -> None:
    if all(slot.end <= other.start or slot.start >= other.end for other in slots):
        slots.append(slot)


def _name(text: str, match: re.Match[str]) -> Slot | None:
    """A run of capitalized words, but for the first word of a sentence (unless an acronym) and for shouting."""
    start, words = match.start(), match.group().split()
    while words and _is_ordinary(words[0], bool(_SENTENCE_START.search(text[:start]))):
        start = text.index(words[0], start) + len(words[0])
        words = words[1:]
        start += len(text[start:]) - len(text[start:].lstrip())
    if not words or text.isupper():
        return None
    return Slot(start, match.end(), "name", text[start : match.end()])


def _is_ordinary(word: str, begins: bool) -> bool:
    plain = word.lower().translate(_CURLY)
    if plain in _NOT_NAMES or plain.split("'")[0] in _NOT_NAMES or plain == "of":
        return True
    return begins and not (word.isupper() and len(word) > 1)


def slots_by_kind(text: str) -> dict[str, list[str]]:
    """Slot texts by kind, spelled alike (lower case, straight apostrophes)."""
    kinds: dict[str, list[str]] = {}
    for slot in find_slots(text):
        kinds.setdefault(slot.kind, []).append(_spelling(slot.text))
    return kinds


def _spelling(text: str) -> str:
    return re.sub(r"\s+", " ", text.translate(_CURLY)).casefold()


def frame_json(text: str, content: Sequence[str], links: Sequence[str] | None = None) -> str:
    """What a paraphrase of `text` must keep, and how its words hang together, as JSON that a person can read.

    Args:
        text: The source.
        content: Its most salient words.
        links: By `LinkGrammarChecker.links`; None without the parser. A paraphrase may hang together otherwise.

    >>> frame_json("do not charge me $20", ["charge"])
    '{"slots": {"negation": ["not"], "money": ["$20"]}, "content": ["charge"]}'
    """
    frame = {"slots": slots_by_kind(text), "content": list(content)}
    return json.dumps(frame if links is None else {**frame, "links": list(links)}, ensure_ascii=False)


def keeps_slots(source: str, paraphrase: str) -> bool:
    """Whether the paraphrase has the source's slots, each as often, and no others.

    Names are only looked for, not compared, since the case of an ordinary word can make it look like one;
    a negation may be spelled another way.

    >>> keeps_slots("Pay $20 to Ann", "send Ann $20"), keeps_slots("Pay $20", "Pay $30")
    (True, False)
    """
    before, after = slots_by_kind(source), slots_by_kind(paraphrase)
    spelled = _spelling(paraphrase)
    if not all(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", spelled) for name in before.pop("name", [])):
        return False
    after.pop("name", None)
    if len(before.pop("negation", [])) != len(after.pop("negation", [])):
        return False
    return Counter(v for values in before.values() for v in values) == Counter(
        v for values in after.values() for v in values
    )
