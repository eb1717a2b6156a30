"""What `tilth drift` says of live texts: rows out of scope, classes that grow, new words, and nothing where nothing is.

    python benchmarks/drift.py --data data/public --sets clinc150 banking77 --seeds 3

A night (training alone, by a linear probe, not made smaller) learns from 30 rows a class; half of the test file are its
gold rows. Live texts are drawn from the other half, which the night never saw, 500 at a time and ten times a case: as
they come (and as a night without gold rows would see them, by its held-out rows); with a share of rows out of scope;
with one class that takes a share of all rows; with a word that no row of the night holds in a share of them. Out of
scope are clinc150's own rows of that kind, and of banking77 the seven classes that each seed leaves out of
the night.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import _results
import numpy as np
import pandas as pd

from tilth import night, reports, store
from tilth import samples as table
from tilth.reports import LiveTexts, Reference
from tilth.reports.drift.measures import Unseen
from tilth.store import Workspace
from tilth.training import Predictor
from tilth.training.inputs import Config

A_CLASS, LIVE, DRAWS, LEFT_OUT = 30, 500, 10, 7
OUTSIDE, GROWN, WORDED = (0.05, 0.1, 0.2, 0.4), (0.03, 0.05, 0.1), (0.02, 0.04, 0.08)
WORD = "quixelpay"
REJECTED = Config().reject_share
"""Of held-out rows, by the model's own limit."""
COLUMNS = {"clinc150": "intent", "banking77": "category"}


@dataclass(frozen=True)
class Answered:
    """The test rows of one seed, with the model's answers: in scope with their labels, and out of scope.

    Attributes:
        reference: the night's own rows, and its gold rows.
        without_gold: the same with the share that held-out rows have, in place of gold rows.
        inside, outside: answered texts.
        labels: of `inside`, an array of shape (rows,).
        ask: answers texts that are changed.
    """

    reference: Reference
    without_gold: Reference
    inside: LiveTexts
    outside: LiveTexts
    labels: np.ndarray
    ask: Callable[[Sequence[str]], LiveTexts]


def split(name: str, folder: Path, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Rows of the night, its gold rows, live rows in scope, and live rows out of scope."""
    train, test = (
        pd.read_csv(folder / name / f"{part}.csv").rename(columns={COLUMNS[name]: "label"})
        for part in ("train", "test")
    )
    rng = np.random.default_rng(seed)
    away = ["oos"] if name == "clinc150" else rng.choice(sorted(train["label"].unique()), LEFT_OUT, replace=False)
    mixed = train[~train["label"].isin(away)].sample(frac=1, random_state=rng)
    both = pd.concat([test, train])
    outside = both[both["label"].isin(away)].drop_duplicates(subset="text")
    inside = test[~test["label"].isin(away)].sample(frac=1, random_state=rng)
    gold = inside.groupby("label").cumcount() % 2 == 0
    return mixed.groupby("label").head(A_CLASS), inside[gold], inside[~gold], outside


def trained(rows: pd.DataFrame, gold: pd.DataFrame, root: Path) -> tuple[Reference, Predictor]:
    """A night's own rows with its answers, and its model."""
    root.mkdir(parents=True)
    (root / "tilth.toml").touch()
    for name, part in (("rows", rows), ("gold", gold)):
        part[["text", "label"]].to_csv(root / f"{name}.csv", index=False)
    workspace = Workspace(root=root, config=root / "tilth.toml", data=root.parent / "data", runs=root / "runs")
    overrides: dict[str, Any] = {
        "data.input": [str(root / "rows.csv")],
        "data.gold": str(root / "gold.csv"),
        "tasks": [{"name": "label"}],
        "training.mode": "probe",
        "training.contract.enabled": False,
    }
    run = night.begin(night.Request(workspace=workspace, overrides=overrides, stages=("training",)))
    night.perform(run, "training")
    night.finish(run)
    frame = table.to_pandas(store.read_table(store.newest_table(run.path)))
    (stage,) = (one for one in run.record["stages"] if one["name"] == "training")
    limit = (stage["metrics"].get("out_of_scope") or {}).get("below")
    return reports.reference_of(run.path.name, frame, ["label"], limit), Predictor.load(run.path)


def answered(predictor: Predictor, texts: Sequence[str]) -> LiveTexts:
    """Texts with the model's answers."""
    answers = predictor.answers(list(texts))
    (task,) = predictor.tasks
    return LiveTexts(
        ids=[str(place) for place in range(len(texts))],
        texts=list(texts),
        predicted={"label": np.array([*task["labels"], None], dtype=object)[answers.codes["label"]]},
        confidence={"label": answers.confidence["label"]},
        scope=answers.scope,
    )


def prepare(name: str, folder: Path, root: Path, seed: int) -> Answered:
    """One seed's night, and its answers to all live rows."""
    rows, gold, inside, outside = split(name, folder, seed)
    reference, predictor = trained(rows, gold, root)
    held_out = len(rows) // 5
    unseen = Unseen(kind="held-out rows", rows=held_out, below=round(REJECTED * held_out), confidence={})

    def ask(texts: Sequence[str]) -> LiveTexts:
        return answered(predictor, texts)

    there, away = (ask(part["text"].astype(str).tolist()) for part in (inside, outside))
    return Answered(
        reference, replace(reference, unseen=unseen), there, away, inside["label"].to_numpy(dtype=object), ask
    )


def some(live: LiveTexts, places: np.ndarray) -> LiveTexts:
    """Part of the answered texts."""
    return LiveTexts(
        ids=[live.ids[place] for place in places],
        texts=[live.texts[place] for place in places],
        predicted={task: labels[places] for task, labels in live.predicted.items()},
        confidence={task: values[places] for task, values in live.confidence.items()},
        scope=live.scope[places],
    )


def joined(one: LiveTexts, other: LiveTexts) -> LiveTexts:
    """Both parts, one after the other."""
    return LiveTexts(
        ids=[*one.ids, *other.ids],
        texts=[*one.texts, *other.texts],
        predicted={task: np.concatenate([one.predicted[task], other.predicted[task]]) for task in one.predicted},
        confidence={task: np.concatenate([one.confidence[task], other.confidence[task]]) for task in one.confidence},
        scope=np.concatenate([one.scope, other.scope]),
    )


def drawn(answers: Answered, rng: np.random.Generator, count: int) -> LiveTexts:
    """Live rows in scope, drawn as evenly over the classes as the night's own rows were."""
    order = rng.permutation(len(answers.labels))
    rank = pd.Series(answers.labels[order]).groupby(answers.labels[order]).cumcount().to_numpy()
    return some(answers.inside, order[np.lexsort((rng.random(len(order)), rank))][:count])


Case = tuple[str, dict[str, float]]


def cases(answers: Answered, rng: np.random.Generator) -> Iterator[Case]:
    """The figures of each case of one draw."""
    usual = drawn(answers, rng, LIVE)
    for words, reference in (
        ("as they come", answers.reference),
        ("as they come, a night without gold rows", answers.without_gold),
    ):
        found = reports.measure_drift(usual, reference)
        task = found["tasks"]["label"]
        yield (
            words,
            {
                "named": float(found["drifted"]),
                "said": found["out_of_scope"]["share"],
                "classes": float(len(task["grew"]) + len(task["shrank"])),
                "words": float(len(found["new_words"])),
            },
        )
    for share in OUTSIDE:
        count = min(round(share * LIVE), len(answers.outside.texts))
        places = rng.choice(len(answers.outside.texts), count, replace=False)
        outside = some(answers.outside, places)
        live = joined(drawn(answers, rng, LIVE - count), outside)
        found = reports.measure_drift(live, answers.reference)
        sheet = reports.drift_sheet(live, answers.reference, most=count)
        yield (
            f"{share:.0%} out of scope",
            {
                "named": float(found["out_of_scope"]["drifted"]),
                "said": found["out_of_scope"]["share"],
                "found": float((outside.scope < answers.reference.limit).mean()),
                "sheet": float(sheet["text"].isin(outside.texts).mean()),
            },
        )
    for share in GROWN:
        yield f"a class takes {share:.0%}", _grown(answers, rng, share)
    for share in WORDED:
        live = drawn(answers, rng, LIVE)
        texts = list(live.texts)
        for place in rng.choice(LIVE, round(share * LIVE), replace=False):
            texts[place] = f"{texts[place]} {WORD}"
        words = reports.measure_drift(answers.ask(texts), answers.reference)["new_words"]
        yield (
            f"a new word in {share:.0%}",
            {
                "named": float(any(one["word"] == WORD for one in words)),
                "words": float(sum(one["word"] != WORD for one in words)),
            },
        )


def _grown(answers: Answered, rng: np.random.Generator, share: float) -> dict[str, float]:
    """A class that takes a share of all live rows; its test rows are drawn again and again where they are too few."""
    label = str(rng.choice(sorted(set(answers.labels))))
    own = np.flatnonzero(answers.labels == label)
    count = round(share * LIVE)
    live = joined(drawn(answers, rng, LIVE - count), some(answers.inside, rng.choice(own, count)))
    found = reports.measure_drift(live, answers.reference)["tasks"]["label"]
    named = [one for one in found["grew"] if one["label"] == label]
    others = [one for one in [*found["grew"], *found["shrank"]] if one["label"] != label]
    said = named[0]["share"] if named else float("nan")
    return {"named": float(bool(named)), "said": said, "classes": float(len(others))}


def main() -> None:
    """Run, print the table, and put it into its file of results."""
    arguments = _results.parser(__doc__, tuple(COLUMNS)).parse_args()
    lines = []
    for name in arguments.sets:
        figures: dict[str, list[list[dict[str, float]]]] = {}
        started = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            for seed in range(arguments.seeds):
                answers = prepare(name, arguments.data, Path(folder) / f"{name}-{seed}", seed)
                rng = np.random.default_rng(seed)
                for _ in range(DRAWS):
                    for case, found in cases(answers, rng):
                        figures.setdefault(case, [[] for _ in range(arguments.seeds)])[seed].append(found)
        lines += [line(name, case, seeds) for case, seeds in figures.items()]
        print(name, f"{time.process_time() - started:.0f} CPU seconds", flush=True)
    _results.write("drift", page(arguments.sets, arguments.seeds, lines))


PARTS = ("said", "found", "sheet", "classes", "words")


def line(name: str, case: str, seeds: Sequence[Sequence[dict[str, float]]]) -> list[object]:
    """One line of the table: of how many draws it is named, and the means of each seed's draws over the seeds."""
    draws = [one for seed in seeds for one in seed]
    shown: list[object] = [name, case, f"{sum(one['named'] for one in draws):.0f} of {len(draws)}"]
    for part in PARTS:
        means = [float(np.nanmean([one[part] for one in seed])) for seed in seeds if part in seed[0]
                 and not all(np.isnan(one[part]) for one in seed)]  # fmt: skip
        shown.append(_results.shown(means))
    return shown


def page(sets: Sequence[str], seeds: int, lines: Sequence[Sequence[object]]) -> str:
    """The page of results."""
    columns = ("data set", "live texts", "drift named", "share said", "of those out of scope, found",
               "of the worst rows, out of scope", "other classes named", "other words named")  # fmt: skip
    return (
        f"# What drift says of live texts\n\n`python benchmarks/drift.py --sets {' '.join(sets)} --seeds {seeds}` "
        f"({_results.machine()})\n\n"
        f"A night of {A_CLASS} rows a class, and {LIVE} live texts a draw, of the test file; {DRAWS} draws a seed. "
        "*Named* is the verdict of the line: of texts as they come any drift at all, else what was planted. Shares are "
        "means over the draws, the median of the seeds (smallest to largest); *said* is the command's share, "
        "*of the worst rows* that of the file for the queue, cut at as many rows as were planted. Other classes and "
        "words are a number a draw.\n\n" + _results.table(columns, lines)
    )


if __name__ == "__main__":
    main()
