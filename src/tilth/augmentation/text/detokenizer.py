"""From texts to tokens and back: words keep the spelling of their source, new ones are spelled like the corpus."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tilth.augmentation.text.slots import find_slots
from tilth.augmentation.text.words import WORD_PATTERN, Word, uncased

_APOSTROPHES = ("'", "\u2019")
_CLITICS = frozenset({"s", "t", "d", "m", "re", "ve", "ll", "clock", "am", "all"})
_CLOSING_MARKS = frozenset(".,!?;:%)]}\u2026\u201d")
_OPENING_MARKS = frozenset("([{$€£#\u201c")
_QUESTION_START = re.compile(
    r"(?:(?:so|and|but|or|also|please|then)\s+)?(?:(?:in|at|to|for|from|by|on|with|of)\s+)?"
    r"(?:what|when|where|why|who|whom|whose|which|how|is|are|am|was|were|do|does|did|can|could|will|would|should"
    r"|shall|may|might|has|have|had|isn't|aren't|don't|doesn't|didn't|can't|couldn't|won't|wouldn't|haven't|hasn't"
    r"|what's|where's|how's|who's|when's)\b",
    re.IGNORECASE,
)


def corpus_spellings(texts: Iterable[str]) -> dict[str, str]:
    """The spelling of each word in the midst of sentences, where that is not the plain one.

    >>> corpus_spellings(["ask Visa", "my Visa card", "I paid", "then I left", "My card"])
    {'visa': 'Visa', 'i': 'I'}
    """
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for text in texts:
        if text.isupper():
            continue
        begins = True
        for match in WORD_PATTERN.finditer(text):
            word = match.group()
            if not begins or word in ("I", "i"):
                seen[uncased(word)][word] += 1
            begins = word in ".!?:"
    usual = {word: max(counts, key=lambda w: (counts[w], w)) for word, counts in seen.items()}
    return {word: spelling for word, spelling in usual.items() if spelling != word}


@dataclass(frozen=True)
class Piece:
    """A part of a paraphrase: a word kept from the source, or token ids that the denoiser wrote."""

    kept: Word | None
    tokens: tuple[str, ...] = ()


def detokenize(pieces: Sequence[Piece], source: str, casing: Mapping[str, str]) -> str:
    """The text of a paraphrase, spelled and spaced as in its source and its corpus."""
    shouts, quiet = source.isupper(), source == source.lower()
    words: list[str] = []
    for piece in pieces:
        words.extend(_merge_pieces(piece.tokens) if piece.kept is None else [_own_spelling(piece.kept, source)])
    spelled = words if quiet else [casing.get(word, word) for word in words]
    text = _with_closing_mark(_spaced(spelled), source)
    if shouts:
        return text.upper()
    if quiet or not source[:1].isupper():
        return text
    return _capitalize_sentences(text)


def match_style(text: str, source: str, casing: Mapping[str, str]) -> str:
    """A text that another model wrote, cased and closed as its source is, with the corpus's spelling of words.

    >>> match_style("Where is my card?", "wheres my card", {"visa": "Visa"})
    'where is my card'
    >>> match_style("has the visa card come", "Is my Visa card here?", {"visa": "Visa"})
    'Has the Visa card come?'
    """
    text = _with_closing_mark(text, source)
    if source.isupper() or source == source.lower():
        return text.upper() if source.isupper() else text.lower()
    fixed = find_slots(text)

    def spelled(match: re.Match[str]) -> str:
        free = all(match.end() <= slot.start or match.start() >= slot.end for slot in fixed)
        return casing.get(match.group(), match.group()) if free else match.group()

    text = WORD_PATTERN.sub(spelled, text)
    return _capitalize_sentences(text) if source[:1].isupper() else text


def _own_spelling(word: Word, source: str) -> str:
    """A kept word's own spelling, without the capital that it had at the start of a sentence."""
    if word.fixed or source.isupper() or not word.text[:1].isupper():
        return word.text
    begins = re.search(rf"(?:^|[.!?]\s+){re.escape(word.text)}(?!\w)", source) is not None
    if begins and word.text[1:] == word.text[1:].lower() and uncased(word.text).split("'")[0] != "i":
        return word.text[0].lower() + word.text[1:]
    return word.text


def _merge_pieces(tokens: Sequence[str]) -> list[str]:
    words: list[str] = []
    for token in tokens:
        if token.startswith("##") and words:
            words[-1] += token[2:]
        else:
            words.append(token.removeprefix("##"))
    return words


def _spaced(words: Sequence[str]) -> str:
    """Words joined as they are written: marks at their word, contractions in one piece.

    >>> print(_spaced(["he", "said", '"', "no", '"', ",", "it", "'", "s", "1", ".", "5", "wi", "-", "fi"]))
    he said "no", it's 1.5 wi-fi
    """
    text, in_quotes = "", False
    for place, word in enumerate(words):
        text += word if not place or _joins_the_last(words, place, in_quotes) else f" {word}"
        in_quotes ^= word == '"'
    return text


def _joins_the_last(words: Sequence[str], place: int, in_quotes: bool) -> bool:
    """Whether no space stands between a word and the one before it, of which there must be one."""
    word, last = words[place], words[place - 1]
    next_word = words[place + 1] if place + 1 < len(words) else ""
    last_but_one = words[place - 2] if place > 1 else ""
    marks = word[0] in _CLOSING_MARKS or last[-1:] in _OPENING_MARKS
    contraction = (word in _APOSTROPHES and next_word in _CLITICS) or (
        last in _APOSTROPHES and place > 1 and word in _CLITICS
    )
    quoted = in_quotes and '"' in (word, last)
    compound = word in "-/" or last in ("-", "/")
    number = last in (".", ",", ":") and word[0].isdigit() and last_but_one[-1:].isdigit()
    return marks or contraction or quoted or compound or number


def _with_closing_mark(text: str, source: str) -> str:
    """A closing mark where the source has one, which one by how the last sentence begins; none where it has none.

    >>> _with_closing_mark("can i pay", "may i pay?"), _with_closing_mark("i want to pay?", "may i pay?")
    ('can i pay?', 'i want to pay.')
    >>> _with_closing_mark("can i pay ?", "may i pay")
    'can i pay'
    """
    body = re.sub(r"[\s.,;:!?]+$", "", text)
    if not body or source[-1:] not in ".!?" or source.endswith(".."):
        return body if source[-1:].isalnum() else text
    if source[-1] == "!" and text[-1:] == "!":
        return f"{body}!"
    last = re.split(r"[.!?,;:]\s+", body)[-1]
    asks = _QUESTION_START.match(re.split(r"[.!?]\s+", body)[-1]) or _QUESTION_START.match(last)
    return f"{body}?" if asks else f"{body}."


def _capitalize_sentences(text: str) -> str:
    """A capital at the start of each sentence."""

    def upper(match: re.Match[str]) -> str:
        return match.group(1) + match.group(2).upper()

    return re.sub(r"(^[\"\u201c(]?|[.!?]\s+)(\w)", upper, text)


def as_sentence(text: str) -> str:
    """A text as a checker wants it: a capital first, I in capitals, a mark at the end.

    >>> as_sentence("can i pay")
    'Can I pay.'
    """
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\bi\b", "I", text)
    text = text[:1].upper() + text[1:]
    return text if not text or text[-1] in ".!?" else f"{text}."
