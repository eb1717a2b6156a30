"""Labels that a linear probe needs to reach 95% of what all labels give, by query strategy: tilth's, and its peers'.

    python -m venv peers && peers/bin/pip install small-text scikit-activeml hnswlib
    python benchmarks/active_learning.py --data data/public --peers peers/lib/python3.11/site-packages
    python benchmarks/active_learning.py --only "tilth, uncertain_mass" random --seeds 1

The probe learns from the labels that were asked for and from nothing else; 100 are asked at a step, and the label is
the data set's. Every strategy begins with the same rows: those nearest the centers of k-means, two a class (`centers`);
some begin from as many drawn by lot too (`lot`). Where macro-F1 on gold first passes 95% of that of all labels,
the crossing is interpolated between two steps. A finished cell (data set, start, seed, strategy) stands in
`results/active_learning.jsonl` and is not run again: delete its line to do that. With `--until 1.3` a strategy is left
once it has 1.3 times the labels that `uncertain_mass` needed from the same first rows and has not passed the target:
that it needs more is then known, and how many more is not; such a cell is run again without the option.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import _results
import numpy as np
from _strategies import OURS, PEERS, Ask, Step
from cleaning import read
from sklearn.metrics import f1_score
from threadpoolctl import threadpool_limits

from tilth.active_learning import query_strategies
from tilth.active_learning.clustering import center_rows
from tilth.active_learning.learner import Learner
from tilth.config import EncoderConfig
from tilth.learn import complement_naive_bayes, fit_predict, new_probe
from tilth.learn.encoder import Encoder
from tilth.learn.lexical import RarityWeights, count_ngrams
from tilth.learn.neighbors import nearest
from tilth.learn.neighbors.label_spreading import NEAREST, graph, spread
from tilth.store import Cache

FILE = _results.FOLDER / "active_learning.jsonl"
STEP, SHARE, FIRST, SECONDS = 100, 0.95, 2, 60
SPAN, MOST = 900, 3000
"""Labels beyond the first ones that the area under the curve is taken over, and where even random stops."""
BOTH_STARTS = ("random", "tilth, margin", "tilth, cluster_margin", "tilth, uncertain_mass")
"""Strategies that begin from rows by lot too."""
LEADER = "tilth, uncertain_mass"
UNLABELED = f"{LEADER}, and labels for the other texts"


@dataclass(frozen=True)
class Rows:
    """One data set: vectors and codes of the rows that can be asked and of gold."""

    name: str
    texts: list[str]
    vectors: np.ndarray
    codes: np.ndarray
    gold: np.ndarray
    truth: np.ndarray

    @property
    def classes(self) -> int:
        """How many there are."""
        return int(self.codes.max()) + 1

    def macro_f1(self, probe: Any) -> float:
        """Of a fitted probe, on gold."""
        with threadpool_limits(limits=1):
            predicted = probe.predict(self.gold)
        return float(f1_score(self.truth, predicted, average="macro", zero_division=0))

    @cached_property
    def edges(self) -> Any:
        """The graph of the rows and their nearest."""
        return graph(nearest(self.vectors, NEAREST))

    def macro_f1_with_texts(self, labeled: np.ndarray) -> float:
        """Of a probe that learns from the other texts too, labeled by the mean of a first probe and of the graph."""
        codes = np.full(len(self.codes), -1)
        codes[labeled] = self.codes[labeled]
        by_probe = fit_predict(self.vectors[labeled], self.codes[labeled], self.vectors, self.classes)
        belief = (by_probe + spread(self.edges, codes, self.classes)) / 2
        belief[labeled] = np.eye(self.classes)[self.codes[labeled]]
        weights = np.maximum(belief.max(axis=1), 1e-3)
        found = fit_predict(self.vectors, belief.argmax(axis=1), self.gold, self.classes, weights)
        return float(f1_score(self.truth, found.argmax(axis=1), average="macro", zero_division=0))

    @cached_property
    def words(self) -> Any:
        """The rows' word n-grams, weighted by rarity."""
        counts = count_ngrams(self.texts)
        return RarityWeights.fit(counts).transform(counts).words

    def by_words(self, labeled: np.ndarray) -> np.ndarray:
        """What a model of the words says of all rows, shape (rows, classes)."""
        seen = np.unique(self.codes[labeled])
        return complement_naive_bayes(self.words[labeled], self.codes[labeled], self.words, self.classes)[:, seen]


def load(name: str, folder: Path, encoder: Encoder) -> Rows:
    """The data set, each text once."""
    train, gold = read(name, folder)
    train = train.drop_duplicates("text")
    labels, codes = np.unique(train["label"].to_numpy(dtype=str), return_inverse=True)
    texts, held = train["text"].astype(str).tolist(), gold["text"].astype(str).tolist()
    truth = np.searchsorted(labels, gold["label"].to_numpy(dtype=str))
    return Rows(name, texts, encoder.encode(texts), codes, encoder.encode(held), truth)


def first_rows(rows: Rows, start: str, seed: int) -> np.ndarray:
    """Where every strategy begins."""
    count = FIRST * rows.classes
    if start == "centers":
        return center_rows(rows.vectors, count=count, seed=seed)
    return np.random.default_rng(seed).choice(len(rows.codes), count, replace=False)


@contextlib.contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """TimeoutError once this process has computed for so long, however busy the machine is."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"a step takes more than {seconds} s")

    before, (limit, most) = signal.signal(signal.SIGPROF, stop), resource.getrlimit(resource.RLIMIT_CPU)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    # Inside one long call of a compiled library no Python handler runs: there the system ends the process.
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + 2 * seconds, most))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        resource.setrlimit(resource.RLIMIT_CPU, (limit, most))


def in_a_child(cell: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A cell that a fork of this process runs, so that neither its time nor its memory ends the others."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)

    def answer() -> None:
        try:
            theirs.send(cell())
        except ImportError as error:
            theirs.send(error)

    child = context.Process(target=answer)
    child.start()
    theirs.close()
    found: dict[str, Any] | ImportError | None = None
    with contextlib.suppress(EOFError):
        found = ours.recv()
    child.join()
    if isinstance(found, ImportError):
        raise found
    if found is None:
        late = child.exitcode == -signal.SIGXCPU
        return {"error": f"a step takes more than {SECONDS} s" if late else f"the process ended with {child.exitcode}"}
    return found


def run_cell(
    rows: Rows, ask: Ask, start: str, seed: int, target: float, *, texts: bool = False, most: float = np.inf
) -> dict[str, Any]:
    """Ask step by step: labels, macro-F1 and seconds of each, or the error that stopped the strategy.

    A strategy that has not passed the target with `most` labels is left there.
    """
    labeled = first_rows(rows, start, seed)
    least = len(labeled) + SPAN
    curve: dict[str, Any] = {"labels": [], "macro_f1": [], "seconds": []}
    while True:
        learner = Learner(estimator=new_probe(), query_strategy=query_strategies.get("margin"))
        learner.fit(rows.vectors[labeled], rows.codes[labeled])
        curve["labels"].append(len(labeled))
        curve["macro_f1"].append(rows.macro_f1_with_texts(labeled) if texts else rows.macro_f1(learner))
        crossed = max(curve["macro_f1"]) >= target
        if len(labeled) >= least and (crossed or len(labeled) + STEP > MOST):
            return curve
        if len(labeled) >= most and not crossed:
            return curve | {"left": True}
        step = Step(
            vectors=rows.vectors,
            labeled=labeled,
            labels=rows.codes[labeled],
            learner=learner,
            wording=lambda: rows.by_words(labeled),  # noqa: B023 - called in this turn
            seed=seed,
        )
        begun = time.process_time()
        try:
            with at_most(SECONDS), threadpool_limits(limits=1):
                picks = ask(step, STEP)
        except ImportError:
            raise  # installed tomorrow, it runs tomorrow: such a cell is not kept
        except Exception as error:  # whatever stops a peer is its line's result
            return {"error": f"{type(error).__name__}: {error}".split("\n")[0][:160]}
        curve["seconds"].append(round(time.process_time() - begun, 2))
        if len(set(picks.tolist())) < STEP or np.isin(picks, labeled).any():
            return {"error": "it asks for rows twice"}
        labeled = np.concatenate([labeled, picks])


def crossing(cell: dict[str, Any], target: float) -> float:
    """Labels at which the curve first passes the target, interpolated; NaN where it never does.

    >>> crossing({"labels": [100, 200], "macro_f1": [0.5, 0.7]}, 0.6)
    150.0
    """
    labels, found = cell["labels"], cell["macro_f1"]
    above = [place for place, value in enumerate(found) if value >= target]
    if not above:
        return float("nan")
    place = above[0]
    if place == 0:
        return float(labels[0])
    share = (target - found[place - 1]) / (found[place] - found[place - 1])
    return float(labels[place - 1] + share * (labels[place] - labels[place - 1]))


def area(cell: dict[str, Any]) -> float:
    """Mean macro-F1 over the first `SPAN` labels beyond the first ones (trapezoids)."""
    count = SPAN // STEP + 1
    return float(np.trapezoid(cell["macro_f1"][:count], dx=1 / (count - 1)))


def finished() -> dict[tuple[str, str, int, str], dict[str, Any]]:
    """The cells that stand, by data set, start, seed and strategy: where the target was passed, area, seconds."""
    lines = FILE.read_text(encoding="utf-8").splitlines() if FILE.exists() else []
    return {(one["set"], one["start"], one["seed"], one["strategy"]): one for one in map(json.loads, lines)}


def keep(cell: dict[str, Any]) -> None:
    """Add a finished cell."""
    with FILE.open("a", encoding="utf-8") as file:
        file.write(json.dumps(cell) + "\n")


def of_all_labels(rows: Rows) -> float:
    """Macro-F1 of the probe that learned from every label of a data set."""
    key = (rows.name, "", 0, "all labels")
    if key not in (stands := finished()):
        found = round(rows.macro_f1(new_probe().fit(rows.vectors, rows.codes)), 4)
        stands[key] = dict(zip(("set", "start", "seed", "strategy"), key, strict=True)) | {"macro_f1": found}
        keep(stands[key])
    return float(stands[key]["macro_f1"])


def measured(curve: dict[str, Any], target: float) -> dict[str, Any]:
    """What is kept of a cell, as plain JSON: null where the target was never passed."""
    if "error" in curve:
        return curve
    if "left" in curve:
        return {
            "beyond": curve["labels"][-1],
            "seconds": round(float(np.median(curve["seconds"])), 2),
            "macro_f1": [round(value, 4) for value in curve["macro_f1"]],
        }
    passed = crossing(curve, target)
    return {
        "passed": None if np.isnan(passed) else round(passed, 1),
        "area": round(area(curve), 4),
        "seconds": round(float(np.median(curve["seconds"])), 2),
        "macro_f1": [round(value, 4) for value in curve["macro_f1"]],
    }


def cells_of(rows: Rows, arguments: argparse.Namespace, target: float) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Every cell of a data set, by start and strategy, those that stand already read back."""
    ways = {**OURS, UNLABELED: OURS[LEADER], **PEERS}
    wanted = [
        (start, name)
        for start in arguments.starts
        for name in ways
        if (start == "centers" or name in BOTH_STARTS) and (not arguments.only or name in arguments.only)
    ]
    stands = finished()
    found: dict[tuple[str, str], list[dict[str, Any]]] = {way: [] for way in wanted}
    for seed in range(arguments.seeds):  # whole seeds first: a run that is stopped has some of everything
        for start, name in wanted:
            cell = stands.get((rows.name, start, seed, name))
            if cell is None or ("beyond" in cell and not arguments.until and not arguments.table):
                before = found[start, name]
                if stopped := error_on_another_set(stands, rows.name, name):
                    found[start, name] = [{"error": stopped}]
                if arguments.table or stopped or (before and "error" in before[0]):
                    continue
                leader = stands.get((rows.name, start, seed, LEADER), {}).get("passed") if name != LEADER else None
                most = arguments.until * leader if arguments.until and leader else np.inf
                try:
                    texts = name == UNLABELED
                    curve = in_a_child(partial(run_cell, rows, ways[name], start, seed, target, texts=texts, most=most))
                except ImportError as error:
                    found[start, name].append({"error": f"{error.name or error} is not installed (see --peers)"})
                    continue
                cell = {"set": rows.name, "start": start, "seed": seed, "strategy": name, **measured(curve, target)}
                keep(cell)
                stands[rows.name, start, seed, name] = cell
                print(f"{rows.name}, {start}, seed {seed}, {name}: {cell.get('error') or cell}", flush=True)
            found[start, name].append(cell)
    return found


def error_on_another_set(
    stands: dict[tuple[str, str, int, str], dict[str, Any]], name: str, strategy: str
) -> str | None:
    """What stopped a strategy on another data set: banking77 is run first, and is the smaller of the two."""
    for (other, _, _, way), cell in stands.items():
        if way == strategy and other != name and "error" in cell:
            return f"{cell['error']} (on {other})"
    return None


def spread_of(values: Sequence[float], digits: int) -> str:
    """The median, with the smallest and the largest."""
    shown = ["never" if np.isnan(value) else f"{value:.{digits}f}" for value in (min(values), max(values))]
    middle = np.median([np.inf if np.isnan(value) else value for value in values])
    return f"{'never' if np.isinf(middle) else f'{middle:.{digits}f}'} ({shown[0]} to {shown[1]})"


def lines_of(name: str, found: dict[tuple[str, str], list[dict[str, Any]]]) -> list[list[str]]:
    """A line a way, fewest labels first; what did not run comes last."""
    ran, unfinished, rest, missing = [], [], [], []
    for (start, way), cells in found.items():
        if not cells:
            missing.append(way)
            continue
        if any("error" in cell for cell in cells):
            error = next(cell["error"] for cell in cells if "error" in cell)
            rest.append([name, start, way, f"not run: {error}", "", "", ""])
            continue
        seconds = f"{np.median([cell['seconds'] for cell in cells]):.1f}"
        if any("beyond" in cell for cell in cells):
            left = min(cell["beyond"] for cell in cells if "beyond" in cell)
            unfinished.append((left, [name, start, way, f"> {left}", "", seconds, str(len(cells))]))
            continue
        labels = [float("nan") if cell["passed"] is None else cell["passed"] for cell in cells]
        line = [name, start, way, spread_of(labels, 0), spread_of([cell["area"] for cell in cells], 3), seconds]
        ran.append((np.median(np.nan_to_num(labels, nan=np.inf)), [*line, str(len(cells))]))
    if missing:
        rest.append([name, "", "; ".join(dict.fromkeys(missing)), "not run, for want of processor time", "", "", ""])
    return [line for kind in (ran, unfinished) for _, line in sorted(kind, key=lambda pair: pair[0])] + rest


def main() -> None:
    """Run, print the table, and put it into RESULTS.md."""
    parser = _results.parser(__doc__, ["banking77", "clinc150"])
    parser.add_argument("--cache", type=Path, default=Path("data/benchmarks/active_learning"), help="of the vectors")
    parser.add_argument("--starts", nargs="+", choices=("centers", "lot"), default=["centers", "lot"])
    parser.add_argument("--only", nargs="*", default=[], help="strategies to run, by their names in the table")
    parser.add_argument("--until", type=float, help="leave a strategy at so many times the labels that tilth needed")
    parser.add_argument("--table", action="store_true", help="write the page from the finished cells; run nothing")
    parser.add_argument("--peers", type=Path, help="site-packages of an environment with small-text, scikit-activeml")
    arguments = parser.parse_args()
    if arguments.peers:
        if not arguments.peers.is_dir():
            parser.error(f"--peers {arguments.peers} is no folder; expected an environment's site-packages")
        sys.path.append(str(arguments.peers))  # last: what both have comes from this environment
    encoder = Encoder(EncoderConfig(), Cache(arguments.cache))
    lines, targets = [], []
    for name in arguments.sets:
        nothing = np.zeros(0)
        rows = Rows(name, [], *4 * [nothing]) if arguments.table else load(name, arguments.data, encoder)
        whole = of_all_labels(rows)
        targets.append(f"{name} {SHARE * whole:.4f} of {whole:.4f}")
        lines += lines_of(name, cells_of(rows, arguments, SHARE * whole))
    if arguments.only:
        print(_results.table(("data set", "start", "strategy", "labels", "area", "s", "seeds"), lines))
        return
    _results.write(
        "active_learning",
        "# Labels to 95% of what all labels give\n\n"
        f"`python benchmarks/active_learning.py --seeds {arguments.seeds}"
        f"{f' --until {arguments.until:g}' if arguments.until else ''}` ({_results.machine()})\n\n"
        f"Gold macro-F1 of the linear probe, trained on the queried labels only; targets: {', '.join(targets)}. "
        f"{STEP} labels a step, from {FIRST} a class: the rows nearest the centers of k-means (`centers`) or rows by "
        "lot. Labels: where the target is first passed, interpolated; median over the seeds (smallest to largest). "
        f"Area: mean macro-F1 over the first {SPAN} labels beyond the start. Seconds: of this process, a batch, "
        f'median. A strategy whose step takes more than {SECONDS} s of computing is not run. "> 854": with so '
        "many labels, at least 1.3 times as many as `uncertain_mass` needed from the same first rows, it had not "
        "passed the target, and was left there (`--until 1.3`); how many it needs was not measured. The last column "
        "counts the seeds that have run. The power of the cosine in `uncertain_mass` was chosen on banking77, by the "
        "same five seeds; clinc150 is run with the same. modAL's ranked batch is tilth's `batch`, pick by pick, which "
        "`benchmarks/ranked_batch.py` shows.\n\n"
        + _results.table(("data set", "start", "strategy", "labels", "area", "seconds", "seeds"), lines),
    )


if __name__ == "__main__":
    main()
