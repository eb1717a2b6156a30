"""A table of texts and pictures, and a model of pictures that sees nothing but colors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from datasets import Dataset
from PIL import Image
from torch import nn

from tilth import samples as table
from tilth import stage
from tilth.config import ImageConfig
from tilth.learn import Evidence
from tilth.learn.pictures import PictureEncoder, Preparation
from tilth.learn.pictures import picture_encoder as module
from tilth.samples import Task
from tilth.store import Cache, digest

COLOR = Task(name="color", labels=("blue", "red"))
SHADE = Task(name="shade", labels=("dark", "light"))
"""Known by pictures of no text alone."""
WORDS = {"red": "refund", "blue": "slow"}


class Colors(nn.Module):
    """Red, green and blue of the middle of a picture; a convolution, so that it quantizes."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 3, 1)
        with torch.no_grad():
            self.convolution.weight.copy_(torch.eye(3)[:, :, None, None])
            self.convolution.bias.copy_(torch.full((3,), 0.1))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.convolution(pixels).mean(dim=(2, 3))
        return found


class Stack(nn.Module):
    """Three layers of convolutions with normalizations, and one behind them: a model with a top to train."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.stem = nn.Conv2d(3, 8, 3, padding=1)
            self.blocks = nn.ModuleList(
                nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU6()) for _ in range(3)
            )
            self.last = nn.Conv2d(8, 16, 1)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        found = self.stem(pixels)
        for block in self.blocks:
            found = block(found)
        last: torch.Tensor = self.last(found).mean(dim=(2, 3))
        return last


def see_by(monkeypatch: pytest.MonkeyPatch, model: type[nn.Module], side: int = 4) -> None:
    """Let every picture encoder be a model like this, made anew each time."""
    preparation = Preparation(side, (0.0,) * 3, (1.0,) * 3)

    def run(pixels: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            vectors: np.ndarray = model().eval()(torch.from_numpy(pixels)).numpy()
        return vectors

    monkeypatch.setattr(module, "load_trunk", lambda name: (preparation, run))
    monkeypatch.setattr(module, "load_module", lambda name: (preparation, model().eval()))
    monkeypatch.setattr(module, "weights_of", lambda name: [])


def see_colors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every picture encoder be `Colors`."""
    see_by(monkeypatch, Colors)


def save_picture(folder: Path, color: str, row: int, *, dark: bool = False) -> tuple[str, str]:
    """A picture of mostly one color, its digest and its path."""
    strong, weak = (90 + row, 0) if dark else (255, 90 + row)
    rgb = (strong, weak, weak) if color == "red" else (weak, weak, strong)
    path = folder / f"{row}.png"
    Image.new("RGB", (6, 8), rgb).save(path)
    return digest(path.read_bytes()), path.name


def picture_table(folder: Path, kinds: str = "tpb", rows: int = 60, gold: str = "tpb") -> Dataset:
    """Rows of a text alone (t), a picture alone (p) or both (b), as many of each; and two gold rows of each kind.

    The color is labeled wherever its text or picture says it; the shade on rows of a picture alone.
    """
    made = []
    for row in range(rows + 2 * len(gold)):
        is_gold = row >= rows
        kind = gold[(row - rows) // 2] if is_gold else kinds[row // 2 % len(kinds)]
        color, dark = ("red", "blue")[row % 2], row % 4 < 2
        shown = save_picture(folder, color, row, dark=dark) if kind in "pb" else (None, None)
        text = f"my {WORDS[color]} is row {row}" if kind in "tb" else ""
        shade = ("dark" if dark else "light") if kind == "p" else None
        made.append((f"{row}", text, *shown, "gold" if is_gold else "train", color, shade))
    names = ["id", "text", "picture_digest", "picture_path", "split", "color_given", "shade_given"]
    frame = pd.DataFrame(made, columns=names)
    frame["source"], frame["parent_id"], frame["status"], frame["reason"] = "input", None, "active", None
    tasks = (COLOR, SHADE)
    return table.from_pandas(table.resolve(frame, tasks), tasks)


def picture_resources(
    samples: Dataset, encoder: Any, folder: Path, tasks: tuple[Task, ...] = (COLOR, SHADE), **changes: Any
) -> stage.Resources:
    """What a stage is handed; pictures stand in the folder."""
    scratch = folder / "scratch"
    scratch.mkdir(parents=True)
    cache = Cache(folder / "cache")
    pictures = PictureEncoder(ImageConfig(), cache, folder)
    evidence = Evidence(samples, encoder=encoder, cache=cache, pictures=pictures)
    return stage.Resources(tasks=tasks, seed=0, evidence=evidence, scratch=scratch, **changes)
