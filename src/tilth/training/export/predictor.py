"""The exported model at work: ONNX Runtime and tokenizers alone, so that it starts fast and runs anywhere."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, overload

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from tilth.errors import RequestError
from tilth.learn import decide
from tilth.learn.encoder import chunked
from tilth.training.export.packed_wording import FILE, PackedWording, pool_tasks
from tilth.training.export.scope import Scope, log_certainty

onnxruntime.disable_telemetry_events()  # of a process that loaded it before tilth could; see tilth/__init__.py

VERSION = 3
_READABLE = (2, VERSION)  # a model of version 2 goes by the meaning alone

_FILES = ("model.onnx", "heads.onnx", "tokenizer.json", "tilth.json")

Answer: TypeAlias = dict[str, dict[str, Any]]
"""Of one text, for each task: `label`, `confidence` and `out_of_scope`."""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What the model says of some texts.

    Attributes:
        probabilities: for each task, calibrated, float32, shape (texts, labels).
        codes: for each task, the label's index, −1 where no label fits, shape (texts,).
        confidence: for each task, the label's probability, shape (texts,).
        scope: 0 to 1, low = unlike what was learned, shape (texts,); see `tilth.training.export.scope`.
        out_of_scope: boolean, shape (texts,): the score is below the model's threshold.
    """

    probabilities: dict[str, np.ndarray]
    codes: dict[str, np.ndarray]
    confidence: dict[str, np.ndarray]
    scope: np.ndarray
    out_of_scope: np.ndarray


class Predictor:
    """A model folder, loaded.

    `model.onnx` turns tokens into an L2-normalized vector and `heads.onnx` a vector into probabilities. They are two
    files so that a long text can be read in chunks: the chunks' vectors are averaged by their tokens, exactly as the
    encoder does it in training, before the heads answer once. Where the model knows wording too (`wording.npz`), what
    it says of the text's n-grams is pooled with these probabilities.

    Args:
        folder: with `model.onnx`, `heads.onnx`, `tokenizer.json` and `tilth.json`.
        threads: texts that are read at the same time; 0 = as many as there are cores.
    """

    def __init__(self, folder: Path, *, threads: int = 0) -> None:
        self.folder, self._threads = folder, threads or os.cpu_count() or 1
        self.settings: dict[str, Any] = json.loads((folder / "tilth.json").read_text(encoding="utf-8"))
        self.tasks: list[dict[str, Any]] = self.settings["tasks"]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        # A text is too short to share its products among threads: that took twice the processor time (two cores, the
        # default encoder, int8: 3.3 ms a text for 1.5) and longer. Several texts at a time take all cores.
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._trunk, self._heads = (
            onnxruntime.InferenceSession(str(folder / name), options, providers=["CPUExecutionProvider"])
            for name in ("model.onnx", "heads.onnx")
        )
        self._wording = PackedWording.load(folder / FILE) if self.settings.get("wording") else PackedWording.none()
        self._scope = Scope.from_json(self.settings["scope"]) if "scope" in self.settings else None

    def __repr__(self) -> str:
        tasks = ", ".join(f"{task['name']} ({len(task['labels'])} labels)" for task in self.tasks)
        return f"<Predictor of {tasks}: {self.folder}>"

    @classmethod
    def load(cls, folder: Path | str) -> Predictor:
        """The model of a run's folder, or of the model folder in it.

        Raises:
            RequestError: the folder holds no model, or one of another version.
        """
        folder = Path(folder)
        folder = folder / "model" if (folder / "run.json").is_file() else folder
        missing = [name for name in _FILES if not (folder / name).is_file()]
        if missing:
            raise RequestError(
                f"{folder} lacks {', '.join(missing)}; give the folder of a run that trained a model, such as "
                "data/runs/latest"
            )
        settings = json.loads((folder / "tilth.json").read_text(encoding="utf-8"))
        if (version := settings.get("version")) not in _READABLE:
            raise RequestError(f"{folder} holds a model of version {version}, expected {VERSION}; run the night again")
        if settings.get("wording") and not (folder / FILE).is_file():
            raise RequestError(f"{folder} lacks {FILE}, which its tilth.json names; copy the whole folder of the model")
        return cls(folder)

    @overload
    def __call__(self, texts: str) -> Answer: ...  # type: ignore[overload-overlap]  # a str is a Sequence[str] too

    @overload
    def __call__(self, texts: Sequence[str]) -> list[Answer]: ...

    def __call__(self, texts: str | Sequence[str]) -> Answer | list[Answer]:
        """For each task `{"label", "confidence", "out_of_scope"}`, of one text, or of each in a list.

        The label is None where the text is out of scope, unlike what the model learned from, and where the parent's
        label has no child.

        Raises:
            RequestError: what is given are no texts.
        """
        if isinstance(texts, str):
            return self([texts])[0]
        answers = self.answers(texts)
        return [
            {
                task["name"]: {
                    "label": self._label(task, int(answers.codes[task["name"]][row]), outside),
                    "confidence": round(float(answers.confidence[task["name"]][row]), 4),
                    "out_of_scope": outside,
                }
                for task in self.tasks
            }
            for row, outside in enumerate(answers.out_of_scope.tolist())
        ]

    @staticmethod
    def _label(task: Mapping[str, Any], code: int, out_of_scope: bool) -> str | None:
        return None if out_of_scope or code < 0 else str(task["labels"][code])

    def answers(self, texts: Sequence[str]) -> Answers:
        """Everything that the model says of the texts, in their order.

        Raises:
            RequestError: what is given are no texts.
        """
        _check(texts)
        names = [task["name"] for task in self.tasks]
        outputs = [f"probabilities_{position}" for position in range(len(names))]
        values = self._heads.run([*outputs, "scope_score"], {"vector": self.embed(texts)})
        probabilities = dict(zip(names, values[:-1], strict=True))
        mixed = self._wording.mix(texts, probabilities)
        probabilities = pool_tasks(self._wording.heads, mixed)
        scope = values[-1] if self._scope is None else self._scope.score(log_certainty([*mixed.values()]), values[-1])
        decided = decide(self.tasks, probabilities)
        return Answers(
            probabilities=probabilities,
            codes={name: pair[0] for name, pair in decided.items()},
            confidence={name: pair[1] for name, pair in decided.items()},
            scope=scope,
            out_of_scope=scope < (0 if self._scope is None else self._scope.reject_below),
        )

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """L2-normalized vectors of the texts, float32, shape (texts, dimensions)."""
        owner, chunks = self._chunks(texts)
        sums = np.zeros((len(texts), int(self.settings["dimensions"])), dtype=np.float64)
        with ThreadPoolExecutor(min(self._threads, max(1, len(chunks)))) as pool:  # ONNX Runtime lets go of the lock
            for position, chunk, vector in zip(owner, chunks, pool.map(self._forward, chunks), strict=True):
                sums[position] += vector * max(len(chunk), 1)
        return (sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)).astype(np.float32)

    def _chunks(self, texts: Sequence[str]) -> tuple[list[int], list[list[int]]]:
        limit = int(self.settings["max_tokens"]) - len(self.settings["prefix"]) - len(self.settings["suffix"])
        encoded = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return chunked((one.ids for one in encoded), limit, int(self.settings["max_chunks"]))

    def _forward(self, chunk: Sequence[int]) -> np.ndarray:
        """One chunk's vector (dimensions,).

        Each goes alone: int8 activations are scaled by all that is in a batch, so that a text's answer would depend on
        its neighbors (by up to 0.1 in its confidence), for half as many texts a second again.
        """
        ids = np.array([[*self.settings["prefix"], *chunk, *self.settings["suffix"]]], dtype=np.int64)
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        vector: np.ndarray = self._trunk.run(["sentence_vector"], inputs)[0][0]
        return vector


def predictor_code_digest() -> str:
    """Digest of the code that turns a model folder and a text into an answer, and of the libraries that it calls."""
    from tilth.store import digest_made_by  # heavy, and no prediction needs it

    here = Path(__file__)
    learn = here.parents[2] / "learn"
    views = (
        here.parent / "packed_wording.py",
        here.parent / "scope.py",
        here.parents[1] / "heads" / "ngram_features.py",
    )
    files = (here, *views, *(learn / name for name in ("hierarchy.py", "encoder/chunking.py", "lexical/analyzers.py")))
    return digest_made_by(files, ("onnxruntime", "tokenizers"))


def _check(texts: Any) -> None:
    """Refuse what would be answered letter by letter, or by the names of its columns."""
    if isinstance(texts, (str, bytes, Mapping)) or hasattr(texts, "columns"):
        raise RequestError(
            f'expected a list of texts, found {type(texts).__name__}; of a table give a column, rows["text"]'
        )
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise RequestError(f"expected texts, found {text!r} at place {place}; leave out what is missing")
