"""Several tasks on one encoder: their losses added up as they are, or weighed against each other.

    python benchmarks/task_weights.py --data data/public --seeds 2

clinc150's domain and intent, a tenth of the rows, which the seed draws; the top layers are trained on both. Kendall et
al. (2018) learn a variance for each task, by which its loss is divided; the closed form divides each by itself, which
is where these variances go (Kirchdorfer et al. 2024), at weights whose mean is 1.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import _results
import pandas as pd
import torch
from multi_task import TASKS, trained
from torch import nn

from tilth.config import EncoderConfig
from tilth.learn.encoder import Encoder
from tilth.store import Cache
from tilth.training import Config, trainer
from tilth.training.fitting import sharing
from tilth.training.trainer import Objective, cross_entropy, plan_batches

COLUMNS = ("losses of the tasks", *TASKS)
Tensors = Sequence[torch.Tensor]
_RATE = 0.05  # of the variances' logarithms


def each(logits: Tensors, codes: Tensors, weights: Tensors) -> torch.Tensor:
    """The mean cross-entropy of every task, shape (tasks,)."""
    found = []
    for values, classes, weight in zip(logits, codes, weights, strict=True):
        losses = nn.functional.cross_entropy(values.float(), classes.clamp(min=0), reduction="none")
        found.append((losses * weight).sum() / weight.sum().clamp(min=1e-6))
    return torch.stack(found)


class Kendall:
    """The logarithms of the variances go down their own gradient, beside the optimizer of the weights."""

    def __init__(self) -> None:
        self.logarithms = torch.zeros(len(TASKS))

    def __call__(self, _: torch.Tensor, logits: Tensors, codes: Tensors, weights: Tensors) -> torch.Tensor:
        """The sum of losses over variances, and half of the logarithms."""
        losses = each(logits, codes, weights)
        total = (torch.exp(-self.logarithms) * losses + self.logarithms / 2).sum()
        self.logarithms = self.logarithms - _RATE * (0.5 - torch.exp(-self.logarithms) * losses.detach())
        return total


def closed(_: torch.Tensor, logits: Tensors, codes: Tensors, weights: Tensors) -> torch.Tensor:
    """Each loss over itself, at weights whose mean is 1."""
    losses = each(logits, codes, weights)
    shares = 1 / losses.detach().clamp(min=1e-3)
    return (shares * len(losses) / shares.sum() * losses).sum()


WAYS: Mapping[str, Callable[[], Callable[..., torch.Tensor]]] = {
    "added up": lambda: cross_entropy,
    "over learned variances (Kendall et al. 2018)": Kendall,
    "over the losses themselves": lambda: closed,
}


def main() -> None:
    """Run, print the table, and put it into its file of results."""
    parser = _results.parser(__doc__, [])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--gold", type=int, default=8, help="gold rows an intent")
    parser.add_argument("--cache", type=Path, help="a folder that keeps the embeddings")
    arguments = parser.parse_args()
    parts = [pd.read_csv(arguments.data / "clinc150" / f"{part}.csv") for part in ("train", "test")]
    train, gold = (part[part["intent"] != "oos"] for part in parts)
    gold = gold.groupby("intent").head(arguments.gold)
    sharing.FEWEST = 10**9  # no comparison with each task alone
    runs = []
    for seed in range(arguments.seeds):
        some, found = train.groupby("intent").sample(frac=0.1, random_state=seed), {}
        for way, loss in WAYS.items():
            trainer.CLASSIFY = Objective(plan_batches, loss())  # type: ignore[misc] # what the mode `top` looks up
            with tempfile.TemporaryDirectory() as folder:
                encoder = Encoder(EncoderConfig(), Cache(arguments.cache or Path(folder) / "embeddings"))
                config = Config(mode="top", steps=arguments.steps)
                scored = trained(some, gold, TASKS, config, seed, encoder, Path(folder))
            found[way] = [scored[name] for name in TASKS]
        runs.append(found)
    lines = _results.compared([], runs)
    _results.write(
        "task_weights",
        "# Losses of several tasks\n\n"
        f"`python benchmarks/task_weights.py {' '.join(sys.argv[1:])}`, {_results.machine()}. Gold macro-F1 on "
        f"clinc150 ({arguments.gold} rows an intent), by vectors alone, the median of {arguments.seeds} seeds "
        f"(smallest to largest); a tenth of the train rows, the top layers trained for {arguments.steps} steps.\n\n"
        + _results.table(COLUMNS, lines),
    )


if __name__ == "__main__":
    main()
