"""What becomes of a label that looks wrong: corrected, set aside (for a likelier one), sent to review or kept."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd

from tilth.cleaning.checks import Conflict
from tilth.cleaning.label_errors.config import LabelErrorsConfig
from tilth.cleaning.label_errors.filters import Verdict
from tilth.cleaning.label_errors.label_quality import training_weight
from tilth.cleaning.label_errors.multiannotator import Consensus
from tilth.samples import Action, Task


class LabelColumns:
    """The columns that cleaning owns of one task, empty until written."""

    def __init__(self, frame: pd.DataFrame, task: Task, rows: np.ndarray) -> None:
        self._name, self._rows = task.name, rows
        count = len(frame)
        self.issue = np.zeros(count, dtype=bool)
        self.quality, self.right, self.suggested_right = (np.full(count, np.nan) for _ in range(3))
        self.doubt, self.at_most, self.weight = (np.full(count, np.nan) for _ in range(3))
        self.action, self.suggested = (np.full(count, None, dtype=object) for _ in range(2))

    def of(self, rows: np.ndarray) -> LabelColumns:
        """The same columns, to be written at other rows."""
        other = copy.copy(self)
        other._rows = rows
        return other

    def write(
        self,
        codes: np.ndarray,
        labels: np.ndarray,
        verdict: Verdict,
        checked: np.ndarray,
        config: LabelErrorsConfig,
    ) -> None:
        """Fill in the rows with a verdict, which is aligned with `codes` and `checked`: whose label may be flagged."""
        issue = verdict.issue & checked
        probabilities, place = verdict.probabilities, np.arange(len(codes))
        own = probabilities[place, codes]
        # A label that looks wrong gets another suggestion, however many labels share the probability.
        rivals = probabilities.copy()
        rivals[place[issue], codes[issue]] = -1.0
        best = rivals.argmax(axis=1)
        # Were the given label wrong, the others would share what is left.
        other = verdict.wrong * probabilities[place, best] / np.maximum(1 - own, 1e-9)
        # Of few rows nobody can say how many labels are wrong: their quality is what the models hold of the label.
        self.quality[self._rows] = own if verdict.rate is None else 1 - verdict.wrong
        self.right[self._rows] = 1 - verdict.wrong
        self.weight[self._rows] = training_weight(verdict.wrong, verdict.rate)
        if verdict.doubts is not None and verdict.at_most is not None:
            self.doubt[self._rows] = np.where(checked, verdict.doubts, np.nan)
            self.at_most[self._rows] = np.where(checked, verdict.at_most, np.nan)
        self.suggested_right[self._rows] = np.where(best == codes, 1 - verdict.wrong, np.minimum(other, 1.0))
        self.suggested[self._rows], self.issue[self._rows] = labels[best], issue
        self.action[self._rows] = Action.KEEP.value
        flagged = self._rows[issue]
        self.action[flagged] = _actions(config, self.right[flagged], self.suggested_right[flagged])

    def write_consensus(
        self,
        codes: np.ndarray,
        labels: np.ndarray,
        consensus: Consensus,
        checked: np.ndarray,
        config: LabelErrorsConfig,
    ) -> None:
        """Let the consensus of several annotators take the filter's place on their rows.

        The label as given is their majority, which does not stand against their weighted votes. `checked` are the rows
        whose label may be changed.
        """
        voted = consensus.several & checked
        rows, quality, differs = self._rows[voted], consensus.quality[voted], consensus.label[voted] != codes[voted]
        right = np.where(differs, np.minimum(quality, 1 - quality), quality)
        self.quality[rows], self.right[rows], self.suggested_right[rows] = right, right, quality
        self.doubt[rows] = self.at_most[rows] = self.weight[rows] = np.nan
        self.suggested[rows], self.issue[rows] = labels[consensus.label[voted]], differs
        action = Action.CORRECT.value if config.policy in ("auto", "correct") else config.policy
        self.action[rows] = np.where(differs, action, Action.KEEP.value)

    def write_conflicts(self, given: np.ndarray, conflict: Conflict) -> None:
        """Send the labels of copies that contradict each other to review, with the label of most as the suggestion."""
        rows = np.flatnonzero(conflict.rows)
        self.quality[rows] = self.right[rows] = conflict.own_share[rows]
        self.suggested[rows], self.suggested_right[rows] = conflict.suggested[rows], conflict.majority_share[rows]
        self.issue[rows] = pd.notna(conflict.suggested[rows]) & (conflict.suggested[rows] != given[rows])
        self.action[rows] = Action.CONFLICT.value

    def store_in(self, frame: pd.DataFrame) -> None:
        """Set the columns in a frame that the caller owns."""
        name = self._name
        frame[f"{name}_quality"], frame[f"is_{name}_issue"] = self.quality, self.issue
        frame[f"{name}_suggested"], frame[f"{name}_suggested_confidence"] = self.suggested, self.suggested_right
        frame[f"{name}_given_confidence"], frame[f"{name}_action"] = self.right, self.action
        frame[f"{name}_given_weight"] = self.weight
        frame[f"{name}_doubt"], frame[f"{name}_wrong_at_most"] = self.doubt, self.at_most


def _actions(config: LabelErrorsConfig, right: np.ndarray, suggested_right: np.ndarray) -> np.ndarray:
    """What becomes of each label that looks wrong, by the probabilities that it and the suggested one are right."""
    if config.policy not in ("auto", "correct"):
        return np.full(len(right), config.policy, dtype=object)
    rest = np.full(len(right), Action.SET_ASIDE.value, dtype=object)
    if config.policy == "auto":
        rest[suggested_right > config.suggest_above] = Action.SUGGEST.value
        rest[right > config.review_above] = Action.REVIEW.value
    return np.where(suggested_right > config.correct_above, Action.CORRECT.value, rest).astype(object)
