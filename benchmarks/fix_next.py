"""What 100 answers bring, from one queue of all that is in doubt or from one kind of question alone, at 20% noise.

    python benchmarks/fix_next.py --data data/public

A part of each data set is labeled, a fifth of that wrongly, as its classes are confused; the rest has no label. Each
round cleans the labels, asks 100 rows through the stage itself (no rows by lot), and answers them with the truth. The
ways differ in `active_learning.sources` alone: everybody, cleaning's doubts alone, or uncertain rows alone. Gold
macro-F1 is the linear probe's on the labels in force, at their confidence, after each round's cleaning.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import _results
import numpy as np
import pandas as pd
from cleaning import Rows, noisy, prepare

from tilth import samples as table
from tilth import stage as stages
from tilth.active_learning import Config
from tilth.cleaning import Config as CleaningConfig
from tilth.cleaning.checks import find_conflicts
from tilth.cleaning.label_errors import find_label_errors
from tilth.config import EncoderConfig
from tilth.learn import Evidence, fit_predict, scores
from tilth.learn.encoder import Encoder
from tilth.store import Cache

NOISE, LABELED, OTHERS, ROUNDS, ANSWERS = 0.2, 20, 4000, 4, 100
"""Share of wrong labels; labeled rows a class; rows without a label; rounds, and answers in each."""
WAYS: dict[str, tuple[str, ...]] = {
    "one queue": (),
    "suspects alone": ("suspect", "label_review", "possible_error"),
    "uncertain rows alone": ("uncertain",),
}


@dataclass(frozen=True)
class Setting:
    """A data set with its labels cut and turned for one seed."""

    rows: Rows
    frame: pd.DataFrame
    truth: pd.Series
    gold: np.ndarray


def cut(rows: Rows, encoder: Encoder, seed: int) -> Setting:
    """So many labeled rows a class, a fifth of them wrong, and so many others, drawn by the seed."""
    names = np.array(rows.task.labels, dtype=object)
    codes = noisy(rows, "confusable", NOISE, seed)
    order = np.random.default_rng(seed).permutation(len(codes))
    labeled = order[: LABELED * len(names)]
    kept = np.sort(order[: LABELED * len(names) + OTHERS])
    given = np.full(len(codes), None, dtype=object)
    given[labeled] = names[codes[labeled]]
    frame = rows.frame.assign(label_given=given).iloc[kept].reset_index(drop=True)
    frame["split"] = np.where(frame["label_given"].isna(), "unlabeled", "train")
    frame["label_answer"] = None
    truth = pd.Series(names[rows.truth[kept]], index=frame["id"])
    return Setting(rows, frame, truth, encoder.encode(rows.gold[0]))


def cleaned(setting: Setting, frame: pd.DataFrame, encoder: Encoder, cache: Cache, seed: int) -> pd.DataFrame:
    """The table after cleaning's judgement of the labels."""
    task = setting.rows.task
    samples = table.from_pandas(table.resolve(frame, [task]), [task])
    evidence, found = Evidence(samples, encoder=encoder, cache=cache), table.to_pandas(samples)
    find_label_errors(found, [task], CleaningConfig(), evidence, seed, find_conflicts(found, [task]))
    return table.resolve(found, [task])


def macro_f1(setting: Setting, frame: pd.DataFrame, encoder: Encoder) -> float:
    """On gold, of the probe of the labels in force."""
    task, kept = setting.rows.task, table.learnable(frame, "label")
    names, weights = np.array(task.labels, dtype=object), table.sample_weights(frame, "label")[kept]
    vectors, codes = encoder.encode(frame["text"].tolist())[kept], task.codes(frame["label"])[kept]
    found = fit_predict(vectors, codes, setting.gold, len(names), weights)
    return scores(setting.rows.gold[1], names[found.argmax(axis=1)].tolist())["macro_f1"]


def curve(setting: Setting, sources: Sequence[str], encoder: Encoder, home: Path, seed: int) -> list[float]:
    """Macro-F1 before the first answer and after each round."""
    task, cache = setting.rows.task, Cache(home / "cache")
    frame = cleaned(setting, setting.frame, encoder, cache, seed)
    found = [macro_f1(setting, frame, encoder)]
    answers = setting.frame["label_answer"].astype(object).copy()
    config = Config(batch=ANSWERS, random=0, sources=tuple(sources))
    for _ in range(ROUNDS):
        samples = table.from_pandas(frame, [task])
        with tempfile.TemporaryDirectory() as scratch:
            resources = stages.Resources(
                tasks=(task,),
                seed=seed,
                evidence=Evidence(samples, encoder=encoder, cache=cache),
                scratch=Path(scratch),
            )
            result = stages.perform("active_learning", samples, config, resources)
        after = table.to_pandas(result.samples)
        asked = after["acquisition_rank"].notna() if "acquisition_rank" in after else pd.Series(False, after.index)
        answers[asked.to_numpy()] = setting.truth.to_numpy()[asked.to_numpy()]
        frame = cleaned(setting, setting.frame.assign(label_answer=answers), encoder, cache, seed)
        found.append(macro_f1(setting, frame, encoder))
        if "detectors" in result.metrics:
            print({name: one["asked"] for name, one in result.metrics["detectors"].items() if one["asked"]}, flush=True)
    return found


def main() -> None:
    """Run, print the table, and write the page."""
    parser = _results.parser(__doc__, ["banking77", "clinc150"])
    parser.add_argument("--cells", type=Path, default=Path("data/benchmarks/fix_next"))
    arguments = parser.parse_args()
    encoder = Encoder(EncoderConfig(), Cache(arguments.cells / "cache"))
    lines = [line for name in arguments.sets for line in lines_of(name, encoder, arguments)]
    columns = ["data set", "asked", "before", *(f"after {ANSWERS * (turn + 1)}" for turn in range(ROUNDS))]
    _results.write(
        "fix_next",
        "# What answers bring: one queue, or one kind of question\n\n"
        f"`python benchmarks/fix_next.py --sets {' '.join(arguments.sets)} --seeds {arguments.seeds}` "
        f"({_results.machine()})\n\n{LABELED} labels a class on average, {NOISE:.0%} of them wrong, and {OTHERS} rows "
        "without a label. Gold macro-F1 of the linear probe, median over the seeds (smallest to largest), which draw "
        "the rows, the errors and nothing else.\n\n" + _results.table([*columns, "points per 100 answers"], lines),
    )


def lines_of(name: str, encoder: Encoder, arguments: argparse.Namespace) -> list[list[str]]:
    """A line a way; each finished curve stands in a file and is not made again."""
    curves: dict[str, list[list[float]]] = {way: [] for way in WAYS}
    rows: Rows | None = None
    for seed in range(arguments.seeds):
        setting: Setting | None = None
        for way, sources in WAYS.items():
            file = arguments.cells / f"{name}-{seed}-{way.replace(' ', '_')}.json"
            if not file.exists():
                rows = rows or prepare(name, arguments.data, encoder, Cache(arguments.cells / "cache"))
                setting = setting or cut(rows, encoder, seed)
                with tempfile.TemporaryDirectory() as home:
                    found = curve(setting, sources, encoder, Path(home), seed)
                print(name, seed, way, [round(value, 4) for value in found], flush=True)
                file.write_text(json.dumps(found), encoding="utf-8")
            curves[way].append(json.loads(file.read_text(encoding="utf-8")))
    lines = []
    for way, runs in curves.items():
        steps = [_results.shown([run[step] for run in runs]) for step in range(ROUNDS + 1)]
        gains = [100 * (run[-1] - run[0]) / ROUNDS for run in runs]
        lines.append([name, way, *steps, f"{np.median(gains):+.2f}"])
    return lines


if __name__ == "__main__":
    main()
