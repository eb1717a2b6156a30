"""Read each text as if the vocabulary had been cut without it, as the exported model will read further ones.

A cut vocabulary has every word of the rows that it was cut for, and so of the held-out ones; of the texts of tomorrow
it lacks some, and by those, too, a smaller model loses points. Each held-out text is therefore read without the pieces
that no other text has, by a tokenizer that gives the ids of the exported one: one graph serves both.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tilth.training.compression.full_model import FullModel
from tilth.training.compression.student import Shape
from tilth.training.export import Predictor


def left_out_tokenizer(full: FullModel, shape: Shape, folder: Path) -> Path | None:
    """The folder of a shape's tokenizer that leaves each text out; None where the shape keeps all pieces.

    Args:
        full: the night's model.
        shape: with the vocabulary cut or whole.
        folder: where it is written, in a folder of its own.
    """
    if not shape.cut_vocabulary or full.vocabulary is None:
        return None
    full.vocabulary.write(full.source, folder / "left_out", left_out=True)
    return folder / "left_out"


def read_left_out(model: Path, tokenizer: Path | None, texts: Sequence[str]) -> np.ndarray:
    """An exported model's vectors of texts that are left out of its vocabulary, shape (texts, dimensions).

    Args:
        model: its folder.
        tokenizer: as of `left_out_tokenizer`.
        texts: of the night.
    """
    if tokenizer is None:
        return Predictor(model).embed(texts)
    with tempfile.TemporaryDirectory(dir=model.parent) as folder:
        shutil.copytree(model, folder, dirs_exist_ok=True)
        shutil.copy(tokenizer / "tokenizer.json", folder)
        return Predictor(Path(folder)).embed(texts)
