"""What labels in review are worth in training at the weight that cleaning gives them: without errors, and with.

    python benchmarks/review_weights.py --data data/public

`--data` holds `sms_spam_rules/`, `sentfin/`, `banking77/` and `clinc150/` (see the README of this folder). A finished
cell (data set, kind of error, seed) stands in `--cells`, and is not run again until that folder goes.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import _results
import numpy as np
from _noise import RULES, given, rows_of
from cleaning import Rows, evidence_of

from tilth import samples as table
from tilth.cleaning import Config
from tilth.cleaning.checks import find_conflicts
from tilth.cleaning.label_errors import find_label_errors
from tilth.config import EncoderConfig
from tilth.learn import fit_predict, scores
from tilth.learn.encoder import Encoder
from tilth.store import Cache
from tilth.training.export import pool_views
from tilth.training.heads import choose_ngrams, fit_head

KINDS = (("none", 0.0), ("weak_model", 0.0), ("feature", 0.2), ("confusable", 0.2), ("feature", 0.4))
WAYS = ("labels as they came", "in review as believed", "in review by their weight")
COLUMNS = ("data set", "errors", "wrong", "estimated", "in review", "of them right", "believed", "weight", *WAYS)
_SHARE = 0.35
"""How far wording counts beside meaning: the training stage's share where it measures none."""


def one(rows: Rows, encoder: Encoder, cache: Cache, codes: np.ndarray, seed: int) -> dict[str, Any]:
    """The figures of one data set with given labels, codes of shape (rows,)."""
    frame = rows.frame.assign(label_given=np.array(rows.task.labels, dtype=object)[codes])
    evidence = evidence_of(frame, rows.task, encoder, cache)
    metrics = find_label_errors(frame, [rows.task], Config(), evidence, seed, find_conflicts(frame, [rows.task]))
    after = table.resolve(frame, [rows.task])
    labels, review = rows.task.codes(after["label"]), after["label_reason"].eq("label_review").to_numpy()
    believed = table.sample_weights(after.drop(columns="label_given_weight"), "label")
    weighed = table.sample_weights(after, "label")
    ways = ((codes, np.ones(len(codes))), (labels, believed), (labels, weighed))
    found = [_gold(rows, encoder, evidence.embeddings(), *way) for way in ways]
    return {
        "wrong": float((codes != rows.truth).mean()),
        "interval": metrics["label"].get("error_rate_interval"),
        "review": float(review.mean()),
        "right": float((labels == rows.truth)[review].mean()) if review.any() else None,
        "believed": float(believed[review].mean()) if review.any() else None,
        "weight": float(weighed[review].mean()) if review.any() else None,
        "gold": found,
    }


def _gold(rows: Rows, encoder: Encoder, vectors: np.ndarray, codes: np.ndarray, weights: np.ndarray) -> float:
    """Gold macro-F1 of linear models of meaning and wording, pooled."""
    known, names = codes >= 0, np.array(rows.task.labels, dtype=object)
    texts = [text for text, one in zip(rows.frame["text"], known, strict=True) if one]
    codes, weights = codes[known], weights[known]
    features = choose_ngrams(texts, {"label": codes}, len(names))
    head = fit_head(rows.task, features.transform(texts), codes, weights, uses_parent=False)
    meaning = fit_predict(vectors[known], codes, encoder.encode(rows.gold[0]), len(names), weights)
    pooled = pool_views(meaning, head.logits(features.transform(rows.gold[0])), _SHARE, 1.0)
    return float(scores(rows.gold[1], names[pooled.argmax(axis=1)].tolist())["macro_f1"])


def main() -> None:
    """Run, print the table, and put it into its file of results."""
    parser = _results.parser(__doc__, ["sentfin", "banking77", "clinc150", RULES])
    parser.add_argument("--cells", type=Path, default=Path("data/benchmarks/review_weights"))
    arguments = parser.parse_args()
    cache = Cache(arguments.cells / "cache")
    encoder, lines = Encoder(EncoderConfig(), cache), []
    rules = arguments.data / RULES / "rule.txt"
    for name in arguments.sets:
        rows = rows_of(name, arguments.data, encoder, cache)
        for kind, rate in (("rules", 0.0), ("none", 0.0)) if name == RULES else KINDS:
            for seed in range(10, 10 + (arguments.seeds if kind != "none" else 1)):
                cell = f"{name}-{kind}-{rate}-{seed}"

                def compute(of: Rows = rows, kind: str = kind, rate: float = rate, seed: int = seed) -> dict[str, Any]:
                    return one(of, encoder, cache, given(of, kind, rate, seed, rules, encoder), seed)

                found = _results.kept(arguments.cells, cell, compute)
                lines.append(_line(name, " ".join([kind, *([f"{rate:.0%}"] if rate else [])]), found))
                print("| " + " | ".join(lines[-1]) + " |", flush=True)
    _write(arguments, lines)


def _line(name: str, kind: str, found: dict[str, Any]) -> list[str]:
    interval = "none" if found["interval"] is None else "{:.1%} to {:.1%}".format(*found["interval"])
    of_review = ["" if found[key] is None else f"{found[key]:.2f}" for key in ("right", "believed", "weight")]
    golds = [f"{gold:.4f}" for gold in found["gold"]]
    return [name, kind, f"{found['wrong']:.1%}", interval, f"{found['review']:.1%}", *of_review, *golds]


def _write(arguments: argparse.Namespace, lines: list[list[str]]) -> None:
    text = (
        "# Labels in review: how far they count in training\n\n"
        f"`python benchmarks/review_weights.py --sets {' '.join(arguments.sets)} --seeds {arguments.seeds}` "
        f"({_results.machine()})\n\n"
        "One line a seed. Of the labels in review: how many are right, how many cleaning believes to be, and the "
        "weight that training gives them, which differs where the interval of the share of wrong labels reaches below "
        "5% and half of it: there doubts may be nothing but hard rows. Then gold macro-F1 of linear models of meaning "
        "and wording, pooled.\n\n" + _results.table(COLUMNS, lines)
    )
    _results.write("review_weights", text)


if __name__ == "__main__":
    main()
