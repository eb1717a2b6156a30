"""Rare classes: what of logit adjustment and of class weights lifts macro-F1, trained on a long tail.

    python benchmarks/imbalance.py --data data/public

Each seed orders the classes, and draws the more rows of one the earlier it comes, 60 of the first and 3 of the last
(a geometric tail). The gold rows have as many of each class as the data set has them: clinc150's are even. `auto` is
the default; weights of rows are normalized to a mean of 1 and teach heads, wording and a trained encoder alike.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import _results
import numpy as np
import pandas as pd
from cleaning import read
from training_modes import night

from tilth.config import EncoderConfig
from tilth.learn.encoder import Encoder
from tilth.store import Cache
from tilth.training import Config

COLUMNS = ("data set", "mode", "rare classes", "gold macro-F1", "accuracy", "difference in macro-F1", "degree")
MOST, TIMES = 60, 20


def effective(counts: np.ndarray) -> np.ndarray:
    """Weights by the effective number of samples, beta 0.99 (Cui et al. 2019)."""
    return np.asarray((1 - 0.99) / (1 - 0.99**counts))


WAYS: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "as the rows are": ("never", np.ones_like),
    "logit adjustment, auto": ("auto", np.ones_like),
    "logit adjustment, always": ("always", np.ones_like),
    "weights 1 / rows": ("never", lambda counts: 1 / counts),
    "weights 1 / square root of rows": ("never", lambda counts: counts**-0.5),
    "weights by effective number": ("never", effective),
}


def long_tail(train: pd.DataFrame, seed: int) -> pd.DataFrame:
    """A geometric tail of the classes in an order of the seed."""
    labels = np.random.default_rng(seed).permutation(sorted(train["label"].unique()))
    sizes = np.round(MOST * TIMES ** (-np.arange(len(labels)) / (len(labels) - 1))).astype(int)
    parts = [train[train["label"] == label] for label in labels]
    drawn = [part.sample(min(size, len(part)), random_state=seed) for part, size in zip(parts, sizes, strict=True)]
    return pd.concat(drawn).sample(frac=1, random_state=seed)


def main() -> None:
    """Run, print the table, and put it into its file of results."""
    parser = _results.parser(__doc__, ["clinc150", "banking77"])
    parser.add_argument("--modes", nargs="+", default=["probe", "top"])
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--gold", type=int, default=10**6, help="gold rows a class at most")
    parser.add_argument("--cache", type=Path, help="a folder that keeps the embeddings")
    arguments = parser.parse_args()
    lines: list[list[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        encoder = Encoder(EncoderConfig(), Cache(arguments.cache or home / "embeddings"))
        for name in arguments.sets:
            train, gold = read(name, arguments.data)
            gold = gold.groupby("label").head(arguments.gold)
            for mode in arguments.modes:
                runs: dict[str, list[tuple[float, float, float]]] = {}
                for seed in range(arguments.seeds):
                    some = long_tail(train, seed)
                    for way in arguments.ways:
                        balance, weigh = WAYS[way]
                        config = Config.model_validate({"mode": mode, "steps": arguments.steps, "balance": balance})
                        found = night(some, gold, [], config, seed, encoder, home, weigh)
                        row = (found["macro_f1"], found["accuracy"], found["balance"]["degree"])
                        runs.setdefault(way, []).append(row)
                        print(name, mode, seed, way, len(some), json.dumps(found), flush=True)
                first = np.array(runs[arguments.ways[0]])[:, 0]
                for way, rows in runs.items():
                    macro, accuracy, degree = np.array(rows).T
                    apart = macro - first
                    gain = f"{np.median(apart):+.3f} ({apart.min():+.3f} to {apart.max():+.3f})"
                    of = ", ".join(f"{one:g}" for one in degree)
                    lines.append([name, mode, way, _results.shown(macro), _results.shown(accuracy), gain, of])
                print(_results.table(COLUMNS, lines), flush=True)
    _results.write(
        "imbalance",
        "# Rare classes\n\n"
        f"`python benchmarks/imbalance.py {' '.join(word for word in sys.argv[1:])}`, {_results.machine()}. Gold "
        f"macro-F1 and accuracy of the fitted model with wording, in float, the median of {arguments.seeds} seeds "
        f"(smallest to largest), which draw {MOST} rows of the most frequent class down to {MOST // TIMES} of the "
        f"rarest; {arguments.steps} steps where the encoder is trained. Difference: in pairs, to the rows as they are. "
        "Degree: how much of the logarithm of a class's share was taken from its logit, by seed.\n\n"
        + _results.table(COLUMNS, lines),
    )


if __name__ == "__main__":
    main()
