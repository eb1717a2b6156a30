"""An exported encoder that torch runs: windows are chosen while a text is read, which an ONNX graph does not."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from transformers.utils import logging

from tilth.learn.encoder import LongTexts, WindowedTrunk


class TorchTrunk:
    """A model folder's encoder, called as the session of a graph is.

    Args:
        folder: with `config.json` and `model.safetensors`, as transformers reads them.
        windows: of the folder's settings, as `save_trunk` gave them.
    """

    def __init__(self, folder: Path, windows: Mapping[str, Any]) -> None:
        logging.disable_progress_bar()
        first, last = windows["around"]
        long_texts = LongTexts(window=windows["window"], span=windows["span"], around=(first, last))
        self._trunk = WindowedTrunk(folder, long_texts).eval()
        self._trunk.first_token = bool(windows["first_token"])

    def run(self, _outputs: Sequence[str], values: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """L2-normalized vectors of the rows, float32, shape (rows, dimensions), as the one output.

        Args:
            _outputs: their names.
            values: `input_ids` and `attention_mask`, shape (rows, longest).
        """
        ids, mask = (torch.from_numpy(values[name]) for name in ("input_ids", "attention_mask"))
        with torch.inference_mode():
            return [self._trunk(ids, mask).numpy()]


def save_trunk(trunk: WindowedTrunk, folder: Path) -> dict[str, Any]:
    """Write an encoder's weights and config into a model folder.

    Returns:
        What a `TorchTrunk` of that folder is to be told, beside its files.
    """
    weights = {name: value.detach().cpu().contiguous() for name, value in trunk.model.state_dict().items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = {name: value for name, value in trunk.model.config.to_dict().items() if not name.startswith("_")}
    (folder / "config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")
    return {**asdict(trunk.long_texts), "first_token": trunk.first_token}
