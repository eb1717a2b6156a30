"""The stage's figures in the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tilth.augmentation.proof import CrossValidatedGain
from tilth.augmentation.selection import CandidateMeasures, Candidates, ChosenSources
from tilth.samples import Reason, evenly_spaced
from tilth.stage import Figure

_ACCEPTED, _REJECTED = 120, 16  # examples shown
_CLASSES = 40  # shown at most


def count_reasons(reasons: Sequence[Reason | None]) -> dict[str, int]:
    """Rejected candidates by reason, most common first."""
    counts = Counter(reason.value for reason in reasons if reason is not None)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def figures(
    record: dict[str, Any],
    chosen: ChosenSources,
    candidates: Candidates,
    measures: CandidateMeasures,
    reasons: Sequence[Reason | None],
) -> list[Figure]:
    """Training curve, which rows were paraphrased, rejects by reason, and examples."""
    shown = []
    if record["curve"]:
        steps, losses = zip(*record["curve"], strict=True)
        shown.append(
            Figure(
                kind="line",
                title="Paraphraser: training loss",
                data={"x": list(steps), "y": list(losses)},
                note="Nats a masked token on the workspace's own texts, lower is better; the held-out loss went from "
                f"{record['heldout_loss_before']} to {record['heldout_loss']}.",
            )
        )
    if reasons:
        rejected = count_reasons(reasons)
        labels = ["accepted", *rejected]
        values = [sum(reason is None for reason in reasons), *rejected.values()]
        shown.append(
            Figure(
                kind="bar",
                title="Paraphrases by verdict",
                data={"labels": labels, "values": values},
                note=f"Of {len(chosen.rows)} rows{_left_out(chosen.skipped)}. The first check that a candidate failed; "
                "every candidate stays in the table with its scores.",
            )
        )
        shown.append(_examples(candidates, measures, reasons))
    return shown


def gain_figures(gain: CrossValidatedGain | None, when: str) -> list[Figure]:
    """What training on the accepted paraphrases would change, by which model, and what could have been seen."""
    if gain is None:
        return []
    low, high = (f"{100 * value:+.1f}" for value in gain.interval)
    verdict = "used" if gain.helps else "used, as the config says" if when == "always" else "not used"
    scores = [round(gain.macro_f1_without, 4), round(gain.macro_f1_with, 4)]
    return [
        Figure(
            kind="table",
            title="What paraphrases add",
            data={
                "columns": ["a model of", "macro-F1 without", "with", "95% interval, points", "in training"],
                "rows": [[gain.view, *scores, f"{low} to {high}", verdict]],
            },
            note="Cross-validated on tonight's train rows, by the model that predicts them best without paraphrases: "
            "of the encoder's vectors, of vectors and words, and of either by an encoder trained for a few steps, "
            f"where training will train it. A gain of less than {100 * gain.visible:.1f} points would not be seen.",
        )
    ]


def class_figures(
    sizes: Mapping[tuple[str, str], int],
    budgets: Mapping[tuple[str, str], int],
    candidates: Candidates,
    reasons: Sequence[Reason | None],
) -> list[Figure]:
    """What each class had and got, those of a handful of rows first.

    Args:
        sizes: Labeled rows by task and label.
        budgets: Accepted paraphrases at most.
        candidates: The night's.
        reasons: Why each failed; None where it is accepted.
    """
    got = Counter(candidates.classes[place] for place, reason in enumerate(reasons) if reason is None)
    if not got:
        return []
    order = sorted(sizes, key=lambda name: (sizes[name], -got[name], name))[:_CLASSES]
    rows = [[*name, sizes[name], budgets.get(name, 0), got[name]] for name in order]
    return [
        Figure(
            kind="table",
            title="Paraphrases of each class",
            data={"columns": ["task", "label", "rows", "at most", "accepted"], "rows": rows},
            note="The classes of the fewest rows first: the fewer, the more paraphrases a row they may have "
            f"(`augmentation.gate.thin`). {min(len(sizes), _CLASSES)} of {len(sizes)} classes.",
        )
    ]


def _left_out(skipped: dict[str, int]) -> str:
    """Rows that were looked at and not paraphrased, by reason, as the end of a sentence."""
    counts = [f"{count} {reason.replace('_', ' ')}" for reason, count in skipped.items()]
    return f" (left out: {', '.join(counts)})" if counts else ""


def _examples(candidates: Candidates, measures: CandidateMeasures, reasons: Sequence[Reason | None]) -> Figure:
    is_accepted = np.array([reason is None for reason in reasons], dtype=bool)
    kinds = (np.flatnonzero(is_accepted), _ACCEPTED), (np.flatnonzero(~is_accepted), _REJECTED)
    rows = [
        [
            candidates.sources[place],
            candidates.texts[place],
            "accepted" if reasons[place] is None else f"rejected: {reasons[place]}",
            round(float(measures.similarity[place]), 2),
            None if np.isnan(measures.readable[place]) else round(float(measures.readable[place]), 2),
        ]
        for places, most in kinds
        for place in places[evenly_spaced(len(places), most)].tolist()
    ]
    return Figure(
        kind="table",
        title="Paraphrases",
        data={"columns": ["source", "paraphrase", "verdict", "similarity", "reads well"], "rows": rows},
        note="An even sample of accepted and rejected candidates. Reads well: the probability of no mistake, by all "
        "checkers together, where no check before had failed it.",
    )
