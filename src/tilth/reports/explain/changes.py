"""What would change a verdict: for each reason the score, the limit it fell under, and the key that sets the limit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tilth.samples import Action, Origin, Reason, Source, Status

_CHECKS = {
    Reason.OUTLIER: ("outlier", "an outlier score of {score:.3g}, below the limit", "outlier"),
    Reason.TOO_LONG: ("too_long", "it is longer than the limit", "max_characters"),
    Reason.LANGUAGE: ("language", "it seems to be in another language than those that belong here", "languages"),
    Reason.BOILERPLATE: ("boilerplate", "a share of {rest:.0%} is a footer that other rows hold too", "boilerplate"),
    Reason.NEAR_DUPLICATE: (
        "near_duplicate",
        "a cosine of {rest:.3f} to row {other}, above the limit",
        "near_duplicate",
    ),
}
_PLAIN = {
    Reason.EMPTY: "a text in place of none",
    Reason.JUNK: "other words: no message was found in it",
    Reason.ENCODING: "the text without the characters that a wrong encoding garbled",
    Reason.EXACT_DUPLICATE: "row {other}, whose text it repeats, taken out of the input, or another text",
    Reason.GOLD_LEAK: "its text taken out of the gold file",
}
_GATE = {
    Reason.SIMILARITY: "a cosine to its source between augmentation.low and augmentation.high; it is {similarity}",
    Reason.LABEL_AGREEMENT: "a probability of keeping the label from augmentation.agreement on; it is {agreement}",
    Reason.NOVELTY: "a distance to other rows from augmentation.novelty and augmentation.changed on; it is {novelty}",
    Reason.GRAMMAR: "no mistake more than its source has; augmentation.attested is a limit of these",
    Reason.FRAME: "the slots and content words of its source, all of which it must keep",
    Reason.BUDGET: "augmentation.growth, augmentation.thin and augmentation.per_source: its class had its share",
}


def of_status(row: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    """What would make the text active; nothing where it is.

    Args:
        row: of the table, null for NaN.
        config: the night's, by section.
    """
    if row["status"] == Status.ACTIVE or row["reason"] is None:
        return []
    reason, other = Reason(row["reason"]), row.get("duplicate_of")
    if reason in _CHECKS:
        check, words, key = _CHECKS[reason]
        score = row.get(f"{check}_score")
        score = 0.0 if score is None else score
        limit = (config.get("cleaning") or {}).get(key)
        condition = words.format(score=score, rest=1 - score, other=other)
        return [f"{condition}: cleaning.{key} = {_shown(limit)}"]
    if reason in _PLAIN:
        return [_PLAIN[reason].format(other=other)]
    if row["source"] == Source.PARAPHRASE and reason in _GATE:
        names = {"similarity": "similarity", "agreement": "label_agreement", "novelty": "novelty"}
        return [_GATE[reason].format(**{key: _number(row.get(column)) for key, column in names.items()})]
    if reason == Reason.UNTRAINED:
        return ['augmentation found that training gains nothing by paraphrases tonight; augmentation.when = "always"']
    return []


def of_label(row: Mapping[str, Any], task: str, config: Mapping[str, Any]) -> list[str]:
    """What would change the label of one task."""
    origin, action, cleaning = row.get(f"{task}_origin"), row.get(f"{task}_action"), config.get("cleaning") or {}
    if origin == Origin.ANNOTATOR:
        return ["another answer of a person; nothing else overrules one"]
    if origin == Origin.INHERITED:
        return [f"another label of its source, row {row['parent_id']}"]
    conditions = []
    given, suggested = row.get(f"{task}_given_confidence"), row.get(f"{task}_suggested_confidence")
    if action == Action.CORRECT:
        conditions.append(
            f"the given label would stay if cleaning.correct_above were {_number(suggested)} or more (it is "
            f'{_shown(cleaning.get("correct_above"))}), or with cleaning.policy = "keep"'
        )
    elif action in {Action.SET_ASIDE, Action.SUGGEST}:
        conditions.append(
            f"the given label would count until a person answers if cleaning.review_above were below {_number(given)} "
            f"(it is {_shown(cleaning.get('review_above'))})"
        )
        conditions.append(
            "the suggested label is learned from until a person answers where no labeling function votes and "
            f"cleaning.suggest_above is below {_number(suggested)} (it is {_shown(cleaning.get('suggest_above'))})"
        )
    elif action == Action.REVIEW:
        conditions.append(
            f"the given label would be set aside if cleaning.review_above were {_number(given)} or more (it is "
            f"{_shown(cleaning.get('review_above'))})"
        )
    elif action == Action.CONFLICT:
        conditions.append("one label for all copies of this text in the input")
    if row.get(f"{task}_disputed"):
        conditions.append("votes and similar rows that agree with the given label; together they contradict it")
    weak = row.get(f"{task}_weak_confidence")
    if weak is not None and origin in (None, Origin.WEAK, Origin.PROPAGATED):
        limit = _shown((config.get("weak_supervision") or {}).get("min_confidence"))
        what = "the label of the votes would be taken" if origin is None else "there would be no label"
        least = f"at most {_number(weak)}" if origin is None else f"above {_number(weak)}"
        conditions.append(f"{what} if weak_supervision.min_confidence were {least} (it is {limit})")
    return [*conditions, "an answer of a person, which stands above all else"]


def _number(value: Any) -> str:
    return "none" if value is None else f"{value:.3g}"


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "the language of most rows"
    return "as it is by default" if value is None else str(value)
