"""The default encoder by ONNX Runtime: the same states of tokens for three quarters of the processor time.

Of banking77's texts in batches of 512 tokens 500 took 2.5 seconds of one core by torch and 2.0 by ONNX Runtime, and no
number of a vector differed by more than 3e-7. So both kinds of vectors share one fingerprint: a graph whose vectors are
further than `CLOSE` from torch's is not used. A graph is written once for a cache, where enough texts are new to pay
for it, and spares later nights the load of torch.

It runs on one thread, and several batches at a time: the products of a batch of 512 tokens are too small to share. Of
the demo's texts 300 took 1.5 processor seconds so, and 2.6 where two threads shared each batch; the bits are the same.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tilth.store import Cache, atomic, digest_json, digest_made_by

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

MANY = 2_000
"""Texts that a process reads by torch before it writes a graph: that takes what so many more save, two seconds."""
CLOSE = 1e-5
_NAME = "states.onnx"


class TokenStates:
    """States of tokens, by torch, or by ONNX Runtime where the encoder's graph stands or enough texts pay for one."""

    def __init__(self, model: Callable[[], Any], graph: Path | None, *, bfloat16: bool) -> None:
        """Which model.

        Args:
            model: gives the one of transformers, which is loaded only where it is needed.
            graph: where its graph stands or would; None where torch is to read all texts.
            bfloat16: whether torch reads them in half precision.
        """
        self._model, self._path, self._bfloat16 = model, graph, bfloat16
        self._graph = load_states(graph) if graph else None
        self._read = 0

    def expect(self, texts: int) -> bool:
        """Prepare for so many texts more; whether several batches may be read at a time."""
        if self._graph is None and self._path is not None and self._read + texts > MANY:
            self._graph, self._path = write_states(self._model(), self._path), None
        return self._graph is not None

    def __call__(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """States of the tokens, float32, shape (rows, tokens, dimensions); ids and mask are int64, (rows, tokens)."""
        self._read += len(ids)
        return self._graph(ids, mask) if self._graph else torch_states(self._model(), ids, mask, self._bfloat16)


class OnnxStates:
    """Token ids and their mask to states, by a session of ONNX Runtime."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def __call__(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """States of the tokens, float32, shape (rows, tokens, dimensions); ids and mask are int64, (rows, tokens)."""
        (states,) = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
        return np.asarray(states)


def graph_file(cache: Cache, fingerprint: str) -> Path:
    """Where the graph of an encoder stands, or would."""
    code = digest_made_by([Path(__file__)], ["torch", "transformers", "onnxruntime"])
    return cache.folder("onnx", digest_json(["states", fingerprint, code])) / _NAME


def load_states(path: Path) -> OnnxStates | None:
    """A graph that was written; None where there is none that can be run."""
    if not path.exists():
        return None
    try:
        return OnnxStates(path)
    except Exception as error:  # ONNX Runtime has an error class a reason; each of them means that torch does it
        log.warning("the encoder's graph %s cannot be run (%s): torch reads the texts", path, error)
        return None


def write_states(model: Any, path: Path) -> OnnxStates | None:
    """Write a model's graph, and load it where it gives what the model gives; None where it cannot be had."""
    ids = np.arange(100, 100 + 3 * 6, dtype=np.int64).reshape(3, 6)
    mask = np.array([[1] * 6, [1, 1, 1, 1, 0, 0], [1, 0, 0, 0, 0, 0]], dtype=np.int64)
    try:
        with atomic(path) as temporary:
            _trace(model, ids, mask, temporary)
            apart = np.abs(OnnxStates(temporary)(ids, mask) - torch_states(model, ids, mask))[mask > 0].max()
            if apart > CLOSE:
                raise ValueError(f"its states are {apart:.1e} from torch's, and may be {CLOSE:.0e}")
    except Exception as error:  # of torch's exporter or of ONNX Runtime, which have many kinds
        log.info("no graph of the encoder: %s: %s", type(error).__name__, error)
        return None
    return load_states(path)


def torch_states(model: Any, ids: np.ndarray, mask: np.ndarray, bfloat16: bool = False) -> np.ndarray:
    """The same by torch."""
    import torch

    device = model.device
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
        states: torch.Tensor = model(
            input_ids=torch.from_numpy(ids).to(device), attention_mask=torch.from_numpy(mask).to(device)
        ).last_hidden_state
    return states.float().cpu().numpy()


def pooled(states: np.ndarray, mask: np.ndarray, *, first_token: bool) -> np.ndarray:
    """One vector of length 1 a text: its first token's state, or the mean of all; float32, shape (rows, dimensions)."""
    weights = mask[:, :, None].astype(np.float32)
    vectors = states[:, 0] if first_token else (states * weights).sum(axis=1) / weights.sum(axis=1)
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), dtype=np.float32)


def _trace(model: Any, ids: np.ndarray, mask: np.ndarray, path: Path) -> None:
    import torch

    class States(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            states: torch.Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            return states

    axes = {0: "rows", 1: "length"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter by tracing is an old one; the new one takes ten times as long
        torch.onnx.export(
            States().eval(),
            (torch.from_numpy(ids), torch.from_numpy(mask)),
            str(path),
            input_names=["input_ids", "attention_mask"],
            output_names=["states"],
            dynamic_axes={"input_ids": axes, "attention_mask": axes, "states": axes},
            opset_version=17,
            dynamo=False,
        )
