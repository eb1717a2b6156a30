"""What a night says of changes that were planted into its input, and of nights into which none was.

    python benchmarks/night_changes.py --data data/public --sets banking77 clinc150 --seeds 3

Five nights a draw, of 25 classes with 60 rows each (the classes and the rows are drawn), with cleaning, a dozen
labeling functions mined from rows that take no further part, and training by a linear probe, not made smaller:

1. a first one; 2. the same rows again; 3. an ordinary night: 30 rows drawn at random go and 30 come; 4. the same again;
5. the night that is measured: 50 rows of one class are relabeled as another, 30 rows are gone, 200 have come, of which
60 are of one class (it grows) and 40 have the label of one class and the texts of another (it drifts), and one
labeling function votes for another class than before.

What is read is what the page shows under *since last night*. A class that was not touched and is named counts as named
wrongly, and so does every function but the planted one; of nights 2 to 4 everything that is named is wrong.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import _results
import numpy as np
import pandas as pd
from cleaning import read

from tilth import night, reports
from tilth.samples import Task
from tilth.store import Run, Workspace
from tilth.weak_supervision.functions.phrase_mining import (
    MINED_FILE_HEADER,
    Suggestion,
    function_name,
    function_source,
    suggest_functions,
)

CLASSES, ROWS, FUNCTIONS = 25, 60, 12
RELABELED, REMOVED, GREW, DRIFTED, ADDED, ORDINARY = 50, 30, 60, 40, 200, 30
STAGES = ("cleaning", "weak_supervision", "training")
CAME = {"rows.added", "rows.removed"}
"""Alarms that are right on an ordinary night after two on which nothing came."""
PLANTED = (
    f"{RELABELED} rows relabeled: the pair of labels stands there",
    f"{RELABELED} rows relabeled: an alarm says how many labels changed",
    f"{REMOVED} rows removed: counted exactly",
    f"{ADDED} rows added: counted exactly",
    f"{ADDED} rows added: an alarm",
    "a function that turned bad: its accuracy fell",
    "a function that turned bad: an alarm",
    "a class that grows: its rows rose",
    "a class that drifts: named",
    "a class that drifts: its labels are called wrong more often, or the model knows one of the two classes worse",
)


@dataclass(frozen=True)
class Draw:
    """The rows of one draw: those of the first night, those that may come, and those that stay apart.

    Attributes:
        here: `id`, `text`, `label` of the first night.
        spare: rows of the same classes that may come.
        author: rows that labeling functions are mined from.
        gold: rows that scores are measured on.
        classes: their labels, in the order in which changes are planted.
    """

    here: pd.DataFrame
    spare: pd.DataFrame
    author: pd.DataFrame
    gold: pd.DataFrame
    classes: list[str]


def draw(train: pd.DataFrame, test: pd.DataFrame, rng: np.random.Generator) -> Draw:
    """Classes with rows enough, and their rows."""
    counts = train["label"].value_counts()
    enough = sorted(counts.index[counts >= 2 * ROWS - 20])
    classes = [str(one) for one in rng.choice(enough, CLASSES, replace=False)]
    parts = []
    for part in (train, test):
        mixed = part[part["label"].isin(classes)].drop_duplicates(subset="text").sample(frac=1, random_state=rng)
        parts.append(mixed.assign(place=mixed.groupby("label").cumcount())[["text", "label", "place"]])
    rows, held = parts
    rows["id"] = [f"r{place}" for place in range(len(rows))]
    here, spare = rows[rows["place"] < ROWS], rows[rows["place"] >= ROWS]
    author, gold = held[held["place"] % 2 == 0], held[held["place"] % 2 == 1]
    return Draw(here.reset_index(drop=True), spare, author, gold, classes)


def mined(rows: Draw) -> list[Suggestion]:
    """The labeling functions that can be mined, the one that votes most often first."""
    task = Task(name="label", labels=tuple(sorted(rows.classes)))
    texts, codes = rows.author["text"].tolist(), task.codes(rows.author["label"])
    return suggest_functions(texts, codes, task, np.zeros(len(texts), dtype=bool), precision=0.75)[:FUNCTIONS]


def functions(rows: Draw, bad: str | None = None, turned: str = "") -> str:
    """The source of the labeling functions; the one of the class `bad` votes for the class `turned`."""
    labels = sorted(rows.classes)
    texts, codes = rows.author["text"].tolist(), Task(name="label", labels=tuple(labels)).codes(rows.author["label"])
    source = MINED_FILE_HEADER.format(task="label")
    for one in mined(rows):
        lines = function_source(one, texts, codes, labels.index(one.label))
        if one.label == bad:  # without its examples, which do not hold any more
            start, end = lines.index("@tilth.examples("), lines.index("@labeling_function()")
            lines = (lines[:start] + lines[end:]).replace(f'return "{bad}"', f'return "{turned}"')
        source += lines
    return source


def ordinary(rows: Draw, rng: np.random.Generator) -> pd.DataFrame:
    """The rows of an ordinary night: some went, as many came, of every class alike."""
    came = rows.spare.sample(ORDINARY, random_state=rng)
    return pd.concat([rows.here.drop(index=rng.choice(rows.here.index, ORDINARY, replace=False)), came])


@dataclass(frozen=True)
class Changes:
    """The classes that planted changes touch.

    Attributes:
        source, target: rows of the one are relabeled as the other.
        grown: it gets more rows than its share.
        drifted, other: rows with the label of the one and the texts of the other come.
        bad: whose labeling function votes for another class.
    """

    source: str
    target: str
    grown: str
    drifted: str
    other: str
    bad: str

    @property
    def touched(self) -> set[str]:
        """Classes of which something may be named."""
        return {self.source, self.target, self.grown, self.drifted, self.other}


def plan(rows: Draw) -> Changes:
    """Which classes are touched: the bad function is the one that votes most often, the others follow the draw."""
    bad = mined(rows)[0].label
    source, target, grown, drifted, other = [one for one in rows.classes if one != bad][:5]
    return Changes(source, target, grown, drifted, other, bad)


def planted(rows: Draw, before: pd.DataFrame, what: Changes, rng: np.random.Generator) -> pd.DataFrame:
    """The rows of the last night, with every change."""
    after = before.copy()
    of_source = after.index[after["label"].eq(what.source)]
    after.loc[rng.choice(of_source, min(RELABELED, len(of_source)), replace=False), "label"] = what.target
    untouched = after.index[~after["label"].isin(what.touched)]
    after = after.drop(index=rng.choice(untouched, REMOVED, replace=False))
    spare = rows.spare[~rows.spare["id"].isin(before["id"])]
    grow = spare[spare["label"].eq(what.grown)].head(GREW)
    drift = spare[spare["label"].eq(what.other)].head(DRIFTED).assign(label=what.drifted)
    rest = spare[~spare["label"].isin(what.touched)]
    return pd.concat([after, grow, drift, rest.sample(ADDED - len(grow) - len(drift), random_state=rng)])


def run(workspace: Workspace, rows: pd.DataFrame, source: str) -> Run:
    """One whole night on these rows."""
    rows[["id", "text", "label"]].to_csv(workspace.root / "rows.csv", index=False)
    (workspace.labeling_functions / "mined.py").write_text(source, encoding="utf-8")
    overrides: dict[str, Any] = {
        "data.input": [str(workspace.root / "rows.csv")],
        "data.gold": str(workspace.root / "gold.csv"),
        "tasks": [{"name": "label"}],
        "training.mode": "probe",
        "training.contract.enabled": False,
    }
    opened = night.begin(night.Request(workspace=workspace, overrides=overrides, stages=STAGES))
    for name in STAGES:
        night.perform(opened, name)
    night.finish(opened)
    return opened


def said(opened: Run) -> tuple[Mapping[str, Any], set[str], set[str], set[tuple[str, str]]]:
    """What changed since the night before; measures with an alarm; functions and classes that rose or fell."""
    found = reports.since_last_night(opened.path)
    changes = found["changes"]
    functions = {str(one["name"]).partition(".")[2] for one in changes["functions"] if one["verdicts"]}
    classes = {(one["label"], one["what"]) for one in changes["classes"]["label"]["changed"]}
    return changes, {alarm["measure"] for alarm in found["alarms"]}, functions, classes


def hits(opened: Run, what: Changes) -> tuple[list[bool], set[str]]:
    """Which of `PLANTED` is named, and what is named that was not touched."""
    changes, alarms, functions, classes = said(opened)
    fell = {str(one["name"]).partition(".")[2] for one in changes["functions"] if "accuracy fell" in one["verdicts"]}
    pairs = {(one["from"], one["to"]) for one in changes["labels"]["label"]["pairs"]}
    bad = function_name(what.bad)
    found = [
        (what.source, what.target) in pairs,
        "labels_changed:label" in alarms,
        changes["rows"]["removed"]["count"] == REMOVED,
        changes["rows"]["added"]["count"] == ADDED,
        "rows.added" in alarms,
        bad in fell,
        f"function.accuracy:label.{bad}" in alarms,
        (what.grown, "rows") in classes,
        what.drifted in {label for label, _ in classes},
        bool({(what.drifted, "wrong labels"), (what.drifted, "F1"), (what.other, "F1")} & classes),
    ]
    wrong = functions - {bad} - {function_name(one) for one in what.touched}
    return found, wrong | {f"{label} ({part})" for label, part in classes if label not in what.touched}


def nights(name: str, seed: int, folder: Path, data: Path) -> tuple[list[bool], list[set[str]], float]:
    """One draw: which planted changes are named, what is named wrongly in nights 2 to 5, and CPU seconds a night."""
    rng = np.random.default_rng(seed)
    rows = draw(*read(name, data), rng)
    root = folder / f"{name}-{seed}"
    (root / "labeling_functions").mkdir(parents=True)
    (root / "tilth.toml").touch()
    rows.gold[["text", "label"]].to_csv(root / "gold.csv", index=False)
    workspace = Workspace(root=root, config=root / "tilth.toml", data=folder / "data", runs=root / "runs")
    usual, what = ordinary(rows, rng), plan(rows)
    source, started = functions(rows), time.process_time()
    run(workspace, rows.here, source)
    wrong = []
    for frame in (rows.here, usual, usual):
        _, alarms, fell, classes = said(run(workspace, frame, source))
        wrong.append((alarms - CAME) | fell | {f"{label} ({part})" for label, part in classes})
    last = run(workspace, planted(rows, usual, what, rng), functions(rows, bad=what.bad, turned=what.other))
    found, named = hits(last, what)
    touched = {one for one in said(last)[3] if one[0] in what.touched}
    print(name, seed, what, found, wrong, named, touched, flush=True)
    return found, [*wrong, named], (time.process_time() - started) / 5


Draws = Sequence[tuple[list[bool], list[set[str]], float]]


def page(found: Mapping[str, Draws], seeds: int) -> str:
    """The page of results, of the draws of each data set."""
    lines = [
        [words, *(f"{sum(hits[place] for hits, _, _ in draws)} of {len(draws)}" for draws in found.values())]
        for place, words in enumerate(PLANTED)
    ]
    quiet = []
    for name, draws in found.items():
        counts = [" + ".join(str(len(wrong[place])) for _, wrong, _ in draws) for place in range(4)]
        quiet.append([name, *counts, f"{np.median([seconds for _, _, seconds in draws]):.0f}"])
    command = f"python benchmarks/night_changes.py --sets {' '.join(found)} --seeds {seeds}"
    columns = ("data set", "the same rows", "30 of 1,500 others", "the same again", "planted", "CPU seconds a night")
    return (
        f"# What is named under *since last night*\n\n`{command}` ({_results.machine()})\n\n"
        "Whole nights (cleaning, labeling functions, training by a linear probe) of 25 classes with 60 rows each; each "
        "seed draws classes, rows and changes anew. In how many draws a planted change is named:\n\n"
        + _results.table(("planted", *found), lines)
        + "\n\nNamed though it was not touched (functions and classes; in nights 2 to 4 alarms too, but for those of "
        "the rows that came and went), a number a draw:\n\n" + _results.table(columns, quiet)
    )


def main() -> None:
    """Run, print the tables, and put them into their file of results."""
    arguments = _results.parser(__doc__, ("banking77", "clinc150")).parse_args()
    found: dict[str, Draws] = {}
    for name in arguments.sets:
        with tempfile.TemporaryDirectory() as folder:
            found[name] = [nights(name, seed, Path(folder), arguments.data) for seed in range(arguments.seeds)]
    _results.write("night_changes", page(found, arguments.seeds))


if __name__ == "__main__":
    main()
