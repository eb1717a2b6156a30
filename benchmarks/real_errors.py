"""Wrong labels of the kinds that heuristics, older models and annotators make, beside planted ones; against cleanlab.

    python benchmarks/real_errors.py --data data/public
    python benchmarks/real_errors.py --sets sentfin --kinds weak_model "feature 20%" --seeds 5
    python benchmarks/real_errors.py --sets banking77 --kinds none --show 40        what is flagged as it came

Each cell (a data set, a kind, a seed) is a line of JSON in `--out`; a run that was stopped goes on where it stopped,
and cells of other code are measured anew. cleanlab gets the out-of-fold probabilities of the linear probe. Its best
filter and its best score are chosen in hindsight, for each cell by the truth: no user can.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import _results
import numpy as np
import pandas as pd
from _noise import RULES, given, rows_of
from cleaning import Rows, evidence_of
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

import tilth
from tilth import samples as table
from tilth.cleaning import Config
from tilth.cleaning.checks import find_conflicts
from tilth.cleaning.label_errors import find_label_errors
from tilth.cleaning.label_errors.label_quality import spread_of, update_with_answers
from tilth.cleaning.label_errors.noise import ErrorRate
from tilth.cleaning.label_errors.operating_point import choose_cut
from tilth.config import EncoderConfig
from tilth.learn import fit_predict, scores
from tilth.learn.encoder import Encoder
from tilth.store import Cache, digest, digest_code

SETS = (RULES, "sentfin", "banking77", "clinc150")
KINDS = (
    "rules",
    "missed 30%",
    "weak_model",
    "annotator",
    "feature 20%",
    "feature 40%",
    "confusable 20%",
    "uniform 20%",
    "none",
)
OF_MESSAGES = ("rules", "missed 30%")
FILTERS = ("prune_by_noise_rate", "prune_by_class", "both", "confident_learning", "predicted_neq_given")
SCORES = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")
BINS, FIRST = 15, 10
ANSWERS = 20
COLUMNS = (
    "data set", "errors", "wrong", "estimated", "flagged", "precision", "recall", "F1", "cleanlab's best F1", "AP",
    "cleanlab's best AP", "ECE", "estimated after 20 answers", "F1 after them", "gold F1", "after cleanlab's default",
    "of all labels", "of the true ones",
)  # fmt: skip
SHOWN = (
    "wrong", "estimated", "flagged", "precision", "recall", "f1", "cleanlab_f1", "ap", "cleanlab_ap", "ece",
    "share_answered", "f1_answered", "gold_tilth", "gold_cleanlab", "gold_given", "gold_truth",
)  # fmt: skip


def calibration_error(right: np.ndarray, quality: np.ndarray) -> float:
    """Expected calibration error of a probability that labels are right, over 15 bins of equal width."""
    bins = np.minimum((quality * BINS).astype(int), BINS - 1)
    gaps = [abs(float(right[bins == one].mean() - quality[bins == one].mean())) for one in np.unique(bins)]
    return float(np.average(gaps, weights=np.unique(bins, return_counts=True)[1]))


def found(flagged: np.ndarray, wrong: np.ndarray) -> dict[str, float]:
    """Share flagged; precision, recall and F1 where anything is wrong."""
    if not wrong.any():
        return {"flagged": float(flagged.mean())}
    precision, recall, f1, _ = precision_recall_fscore_support(wrong, flagged, average="binary", zero_division=0)
    return {"flagged": float(flagged.mean()), "precision": precision, "recall": recall, "f1": f1}


def after_answers(quality: np.ndarray, flagged: np.ndarray, wrong: np.ndarray, metrics: Mapping) -> dict[str, float]:
    """The estimated share and the F1 once a person has looked at some of the likeliest suspects, evenly spaced.

    They are taken among twice as many as are flagged, for the last of these say how far the doubts go on.
    """
    likeliest = np.argsort(quality, kind="stable")[: max(2 * ANSWERS, 2 * int(flagged.sum()))]
    suspects = likeliest[np.linspace(0, len(likeliest) - 1, ANSWERS).round().astype(int)]
    low, high = metrics["error_rate_interval"]
    unsure = spread_of(ErrorRate(share=metrics["error_rate"], low=low, high=high))
    answered = update_with_answers(quality, suspects, wrong[suspects], unsure=unsure)
    issue, _ = choose_cut(1 - answered.quality, "balanced")
    f1 = {"f1_answered": found(issue, wrong)["f1"]} if wrong.any() else {}
    return {"share_answered": answered.share, **f1}


def of_cleanlab(codes: np.ndarray, probabilities: np.ndarray, wrong: np.ndarray) -> tuple[dict[str, Any], np.ndarray]:
    """F1 of each filter, AP of each score and the best of each; and what the default filter flags."""
    flags = {name: find_label_issues(codes, probabilities, filter_by=name, n_jobs=1) for name in FILTERS}
    default = np.asarray(flags[FILTERS[0]], dtype=bool)
    if not wrong.any():
        return {"cleanlab_flagged": float(default.mean())}, default
    f1 = {name: found(np.asarray(flag, dtype=bool), wrong)["f1"] for name, flag in flags.items()}
    ranks = {name: get_label_quality_scores(codes, probabilities, method=name) for name in SCORES}
    ap = {name: float(average_precision_score(wrong, -rank)) for name, rank in ranks.items()}
    best = {"cleanlab_f1": max(f1.values()), "cleanlab_ap": max(ap.values())}
    return {**best, "filters": f1, "scores": ap, "cleanlab_flagged": float(default.mean())}, default


def measure(rows: Rows, codes: np.ndarray, encoder: Encoder, cache: Cache, seed: int) -> tuple[dict, pd.DataFrame]:
    """Every figure of one cell, and the table as cleaning left it."""
    wrong, names = codes != rows.truth, np.array(rows.task.labels, dtype=object)
    frame = rows.frame.assign(label_given=names[codes])
    evidence = evidence_of(frame, rows.task, encoder, cache)
    vectors, gold = evidence.embeddings(), encoder.encode(rows.gold[0])

    def gold_f1(kept: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> float:
        predicted = fit_predict(vectors[kept], labels[kept], gold, len(names), weights)
        return scores(rows.gold[1], names[predicted.argmax(axis=1)].tolist())["macro_f1"]

    probe = evidence.out_of_fold(rows.task, frame["label_given"].tolist()).probabilities.astype(np.float64)
    theirs, default = of_cleanlab(codes, probe / probe.sum(axis=1, keepdims=True), wrong)
    started = time.monotonic()
    conflicts = find_conflicts(frame, [rows.task])
    metrics = find_label_errors(frame, [rows.task], Config(), evidence, seed, conflicts)[rows.task.name]
    seconds = time.monotonic() - started
    quality = frame["label_quality"].fillna(1).to_numpy(dtype=float)
    flagged = frame["is_label_issue"].to_numpy(dtype=bool)
    after = table.resolve(frame, [rows.task])
    kept = after["label"].notna().to_numpy()
    weights = after["label_confidence"].fillna(0).clip(1e-3, 1).to_numpy(dtype=float)[kept]
    everything = np.ones(len(codes), dtype=bool)
    cell = {
        "rows": len(codes),
        "wrong": float(wrong.mean()),
        "estimated": metrics.get("error_rate"),
        "filter": metrics.get("filter"),
        **found(flagged, wrong),
        **({"ap": float(average_precision_score(wrong, -quality))} if wrong.any() else {}),
        "ece": calibration_error(~wrong, quality),
        **(after_answers(quality, flagged, wrong, metrics) if metrics["error_rate"] is not None else {}),
        **theirs,
        "gold_tilth": gold_f1(kept, rows.task.codes(after["label"]), weights),
        "gold_cleanlab": gold_f1(~default, codes),
        "gold_given": gold_f1(everything, codes),
        "gold_truth": _of_truth(rows, vectors, gold, cache),
        "seconds": round(seconds, 1),
    }
    return cell, frame


def _of_truth(rows: Rows, vectors: np.ndarray, gold: np.ndarray, cache: Cache) -> float:
    """Gold macro-F1 of the probe of all true labels, computed once."""

    def compute() -> dict[str, np.ndarray]:
        names = np.array(rows.task.labels, dtype=object)
        predicted = names[fit_predict(vectors, rows.truth, gold, len(names)).argmax(axis=1)]
        return {"f1": np.array(scores(rows.gold[1], predicted.tolist())["macro_f1"])}

    key = digest("\x1f".join([*rows.frame["text"], *rows.gold[0]]), rows.truth.tobytes())
    return float(cache.arrays("probe_of_truth", key, compute)["f1"].item())


def cells(sets: list[str], kinds: list[str], seeds: int) -> Iterator[tuple[str, str, int]]:
    """Data set, kind and seed of each cell, all of one seed before the next."""
    for seed in range(FIRST, FIRST + seeds):
        for name in sets:
            for kind in kinds:
                if (kind == "none" or (kind in OF_MESSAGES) == (name == RULES)) and (kind != "none" or seed == FIRST):
                    yield name, kind, seed


def main() -> None:
    """Measure what is not measured yet, print the table, and put it into its file of results."""
    parser = _results.parser(__doc__, SETS)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS))
    parser.add_argument("--out", type=Path, default=Path("data/real_errors"), help="folder of the cells and the cache")
    parser.add_argument("--show", type=int, default=0, help="print so many of the flagged rows of each cell")
    arguments = parser.parse_args()
    cache = Cache(arguments.out / "cache")
    encoder = Encoder(EncoderConfig(), cache)
    prepared: dict[str, Rows] = {}
    code = _code()
    for name, kind, seed in cells(arguments.sets, arguments.kinds, arguments.seeds):
        file = arguments.out / f"{name}.{kind.replace(' ', '_').rstrip('%')}.jsonl"
        if seed in _measured(file, code) and not arguments.show:
            continue
        if name not in prepared:
            prepared[name] = rows_of(name, arguments.data, encoder, cache)
        rows = prepared[name]
        plain, _, rate = kind.partition(" ")
        share = float(rate.rstrip("%") or 0) / 100
        codes = given(rows, plain, share, seed, arguments.data / RULES / "rule.txt", encoder)
        cell, frame = measure(rows, codes, encoder, cache, seed)
        _keep(file, {"set": name, "kind": kind, "seed": seed, "code": code, **cell})
        if arguments.show:
            _print_flagged(frame, arguments.show)
    _results.write("real_errors", _page(arguments, code))


def _code() -> str:
    """What the figures depend on beside the data."""
    package = Path(tilth.__file__).parent
    return digest_code(*sorted(file for room in ("cleaning", "learn") for file in (package / room).rglob("*.py")))


def _measured(file: Path, code: str) -> dict[int, dict[str, Any]]:
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return {cell["seed"]: cell for line in lines if (cell := json.loads(line))["code"] == code}


def _keep(file: Path, cell: Mapping[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(cell) + "\n")
    print(json.dumps(cell), flush=True)


def _print_flagged(frame: pd.DataFrame, count: int) -> None:
    flagged = frame[frame["is_label_issue"]]
    print(f"{len(flagged)} of {len(frame)} rows are flagged; {count} of them at random:")
    for row in flagged.sample(min(count, len(flagged)), random_state=0).itertuples():
        print(f"{row.label_quality:.3f} | {row.label_given} -> {row.label_suggested} | {row.text}")


def _page(arguments: argparse.Namespace, code: str) -> str:
    lines = []
    for name in arguments.sets:
        for kind in arguments.kinds:
            file = arguments.out / f"{name}.{kind.replace(' ', '_').rstrip('%')}.jsonl"
            if runs := list(_measured(file, code).values()):
                columns = [[float("nan") if run.get(key) is None else run[key] for run in runs] for key in SHOWN]
                lines.append([name, f"{kind} ({len(runs)})", *map(_results.shown, columns)])
    return (
        f"# Errors as people and models make them\n\n`python benchmarks/real_errors.py --seeds {arguments.seeds}` "
        f"({_results.machine()})\n\n"
        "Median over the seeds, whose number stands behind the kind (smallest to largest). rules: of each message the "
        "vote of one of its rules, taken at random; missed: three in ten of the rarer class have the other's label; "
        "weak_model: predictions of a model of words, learned from five "
        "labels a class; annotator: one vote of twelve simulated annotators who are right on 50 to 95% and err as "
        "models do (no public set with votes of people on labels was at hand). Estimated: the share of wrong labels as "
        "cleaning estimates it. cleanlab's best: of five filters and of three scores, chosen in hindsight for each "
        f"run. ECE: of `<task>_quality` as the probability that the given label is right, {BINS} bins. After "
        f"{ANSWERS} answers: once a person has said of so many suspects whether they are wrong, evenly spaced among "
        "twice as many as are flagged, 40 at least. Gold F1: macro-F1 on gold rows of the linear probe of what tilth "
        "leaves, beside what cleanlab's default filter leaves, "
        "all given labels, and all true ones.\n\n" + _results.table(COLUMNS, lines)
    )


if __name__ == "__main__":
    main()
