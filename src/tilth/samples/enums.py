"""The closed vocabularies of the table: splits, statuses, origins, actions and reasons."""

from __future__ import annotations

from enum import StrEnum


class Split(StrEnum):
    """What a row is for."""

    TRAIN = "train"
    GOLD = "gold"
    UNLABELED = "unlabeled"


class Source(StrEnum):
    """Where a row came from."""

    INPUT = "input"
    PARAPHRASE = "paraphrase"


class Status(StrEnum):
    """Verdict on a text, in order of severity: within a night a row only moves down this list."""

    ACTIVE = "active"
    REVIEW = "review"
    QUARANTINED = "quarantined"


class Origin(StrEnum):
    """Where the current label comes from, in order of precedence."""

    ANNOTATOR = "annotator"
    CORRECTED = "corrected"
    GIVEN = "given"
    WEAK = "weak"
    PROPAGATED = "propagated"
    SUGGESTED = "suggested"
    INHERITED = "inherited"


class Action(StrEnum):
    """What the cleaning policy does with a given label."""

    KEEP = "keep"
    CORRECT = "correct"
    SUGGEST = "suggest"
    SET_ASIDE = "set_aside"
    REVIEW = "review"
    CONFLICT = "conflict"


class Reason(StrEnum):
    """Why a row's status is not active, or why a label was nulled or changed."""

    EMPTY = "empty"
    JUNK = "junk"
    TOO_LONG = "too_long"
    LANGUAGE = "language"
    ENCODING = "encoding"
    BOILERPLATE = "boilerplate"
    OUTLIER = "outlier"
    EXACT_DUPLICATE = "exact_duplicate"
    NEAR_DUPLICATE = "near_duplicate"
    GOLD_LEAK = "gold_leak"
    LABEL_ISSUE = "label_issue"
    LABEL_REVIEW = "label_review"
    CONFLICTING_COPIES = "conflicting_copies"
    UNKNOWN_LABEL = "unknown_label"
    HIERARCHY = "hierarchy"
    FROM_CHILD = "from_child"
    UNTRAINED = "untrained"
    SIMILARITY = "similarity"
    FRAME = "frame"
    GRAMMAR = "grammar"
    LABEL_AGREEMENT = "label_agreement"
    NOVELTY = "novelty"
    LEAK = "leak"
    BUDGET = "budget"
    ANSWERED_JUNK = "answered_junk"
    NONE_OF_THESE = "none_of_these"
    REFUSED = "refused"
