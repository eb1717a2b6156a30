"""`tilth audit` beside cleanlab's Datalab on the same rows: what each finds, and in which time.

    python benchmarks/audit.py --data data/public
    python benchmarks/audit.py --data data/public --sets banking77 --seeds 1

Each way gets the same file, in a process of its own with an empty cache, and its time is that of the whole command,
from the start of Python on. Datalab gets what its documents suggest: embeddings of the same encoder, and probabilities
of scikit-learn's logistic regression on them, by `cross_val_predict` over five folds.

`--data` holds `banking77/`; beside the labels as they are, a tenth of them is made wrong: each row's becomes the one
that a linear model finds most likely but its own (confusable noise, as in `cleaning.py`). The demo's rows and their
true labels come with the repository. Nothing was tuned on any of these figures.
"""

from __future__ import annotations

import json
import os
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import _results
import numpy as np
import pandas as pd

from tilth.config import EncoderConfig
from tilth.learn import fit_predict
from tilth.learn.encoder import Encoder
from tilth.store import Cache

ROOT = Path(__file__).parents[1]
SETS = ("banking77", "banking77 + 10% wrong", "demo")
COLUMNS = (
    "rows", "way", "seconds", "CPU seconds", "labels called wrong", "precision", "recall", "copies",
    "precision by its own page", "at least", "at most",
)  # fmt: skip
DATALAB = """
import json, sys
import pandas as pd
from cleanlab import Datalab
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from tilth.config import EncoderConfig
from tilth.learn.encoder import Encoder
from tilth.store import Cache
from pathlib import Path
rows = pd.read_csv(sys.argv[1], keep_default_na=False)
rows = rows[rows["label"].ne("")].reset_index(drop=True)
vectors = Encoder(EncoderConfig(), Cache(Path(sys.argv[2]))).encode(rows["text"].tolist())
model = LogisticRegression(C=10, max_iter=300)
predicted = cross_val_predict(model, vectors, rows["label"], method="predict_proba", cv=5)
lab = Datalab(data={"text": rows["text"].tolist(), "label": rows["label"].tolist()}, label_name="label", verbosity=0)
lab.find_issues(features=vectors, pred_probs=predicted)
found = lab.get_issues()
print(json.dumps({
    "wrong": (rows.index[found["is_label_issue"]]).tolist(),
    "places": rows["place"].tolist(),
    "copies": int(found["is_near_duplicate_issue"].sum()),
}))
"""


def read(name: str, data: Path, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows with `text`, `label` and `place`, and whether each label is known to be wrong."""
    if name == "demo":
        rows = pd.read_csv(ROOT / "data/raw/inbox.csv", keep_default_na=False).rename(columns={"intent": "label"})
        truth = pd.read_csv(ROOT / "data/raw/truth.csv", keep_default_na=False)["intent"]
        rows = rows[["text", "label"]].assign(place=range(len(rows)))
        return rows, (rows["label"].ne("") & rows["label"].ne(truth)).to_numpy()
    rows = pd.read_csv(data / "banking77" / "train.csv").rename(columns={"category": "label"})
    rows, wrong = rows.assign(place=range(len(rows))), np.zeros(len(rows), dtype=bool)
    if name == "banking77":
        return rows, wrong
    labels, codes = np.unique(rows["label"], return_inverse=True)
    with tempfile.TemporaryDirectory() as cache:
        vectors = Encoder(EncoderConfig(), Cache(Path(cache))).encode(rows["text"].tolist())
    draw = np.random.default_rng(seed)
    half = draw.random(len(rows)) < 0.5  # neither half is predicted by a model that saw it
    likely = np.zeros((len(rows), len(labels)))
    for part in (half, ~half):
        likely[~part] = fit_predict(vectors[part], codes[part], vectors[~part], classes=len(labels))
    likely[np.arange(len(rows)), codes] = -1
    wrong[draw.choice(len(rows), len(rows) // 10, replace=False)] = True
    return rows.assign(label=labels[np.where(wrong, likely.argmax(axis=1), codes)]), wrong


def run(command: list[str], cache: Path) -> tuple[str, tuple[float, float]]:
    """What a command prints, and its seconds, by the clock and of all processors."""
    started, used = time.monotonic(), _used()
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "TQDM_DISABLE": "1"}
    done = subprocess.run(command, env=environment, cwd=cache, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout, (round(time.monotonic() - started), round(_used() - used))


def _used() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


@dataclass(frozen=True, kw_only=True)
class Audited:
    """What one way found.

    Attributes:
        wrong: positions of the rows whose label is called wrong, shape (rows called wrong,).
        copies: how many there are.
        seconds: by the clock, and of all processors.
        stated: the precision that it claims, and the ends of its interval; NaN where it claims none.
    """

    wrong: np.ndarray
    copies: int
    seconds: tuple[float, float]
    stated: tuple[float, float, float] = (float("nan"),) * 3


def by_tilth(file: Path, cache: Path) -> Audited:
    """What `tilth audit` finds in a file."""
    command = [sys.executable, "-m", "tilth.cli", "audit", str(file), "--label", "label", "--json"]
    printed, seconds = run([*command, "--out", str(cache)], cache)
    found, record = pd.read_csv(cache / f"{file.stem}-audit.csv"), json.loads(printed)
    wrong = found[found["finding"].isin(["wrong label"])]["row"].to_numpy() - 1
    claimed = record["tasks"][0]["measured"]
    claims = [claimed[name] for name in ("precision", "precision_low", "precision_high")]
    precision, low, high = (float("nan") if one is None or not len(wrong) else float(one) for one in claims)
    return Audited(wrong=wrong, copies=record["findings"]["copy"], seconds=seconds, stated=(precision, low, high))


def by_datalab(file: Path, cache: Path) -> Audited:
    """The same by cleanlab's Datalab."""
    printed, seconds = run([sys.executable, "-c", DATALAB, str(file), str(cache / "vectors")], cache)
    found = json.loads(printed.splitlines()[-1])
    wrong = np.array(found["places"], dtype=int)[found["wrong"]]
    return Audited(wrong=wrong, copies=found["copies"], seconds=seconds)


def measure(name: str, data: Path, seed: int) -> dict[str, list[float]]:
    """Each way's figures on one draw of the noise."""
    rows, wrong = read(name, data, seed)
    figures = {}
    for way, ask in (("tilth audit", by_tilth), ("Datalab", by_datalab)):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "rows.csv"
            rows.to_csv(file, index=False)
            found = ask(file, Path(folder))
        hits, called = int(wrong[found.wrong].sum()), len(found.wrong)
        known = bool(wrong.any())
        precision = hits / called if known and called else float("nan")
        recall = hits / int(wrong.sum()) if known else float("nan")
        figures[way] = [*found.seconds, called, precision, recall, found.copies, *found.stated]
    return figures


def main() -> None:
    """Measure, and write the table."""
    asked = _results.parser(__doc__, SETS).parse_args()
    lines: list[list[str]] = []
    for name in asked.sets:
        seeds = asked.seeds if name.endswith("wrong") else 1  # the others are drawn from nothing
        measured = [measure(name, asked.data, 10 + seed) for seed in range(seeds)]
        lines += [[cell.replace(".000", "") for cell in line] for line in _results.compared([name], measured)]
    note = (
        "Each way gets the same file, with an empty cache; seconds are of the whole command, embeddings of all texts "
        "included, on one core beside much other work, so that the CPU seconds say more. Where no label is known to be "
        "wrong there is no precision and no recall. Beside the precision stands what tilth's own page says of it, with "
        "the ends of its interval. Medians over the seeds (smallest to largest)."
    )
    sets = "" if asked.sets == list(SETS) else f" --sets {shlex.join(asked.sets)}"
    command = f"`python benchmarks/audit.py{sets} --seeds {asked.seeds}` ({_results.machine()})"
    _results.write("audit", f"# One file audited\n\n{command}\n\n{note}\n\n{_results.table(COLUMNS, lines)}")


if __name__ == "__main__":
    main()
