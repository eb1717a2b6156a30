"""The exported model at work: ONNX Runtime and tokenizers alone, so that it starts fast and runs anywhere."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, overload

import numpy as np
from tokenizers import Tokenizer

from tilth.errors import DamagedFileError, RequestError
from tilth.learn import decide
from tilth.training.export.checked_texts import check_texts
from tilth.training.export.digests import check_digests
from tilth.training.export.packed_weights import WEIGHTS, load_weights
from tilth.training.export.packed_wording import FILE, PackedWording, pool_tasks
from tilth.training.export.scope import Scope, log_certainty
from tilth.training.export.session import CPU, Provider, open_session
from tilth.training.export.text_reader import TextReader

VERSION = 4
_READABLE = (2, 3, VERSION)  # a model of version 2 goes by the meaning alone; from 4 on there are digests
_DIGESTED = 4

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
        threads: batches that are computed at the same time; 0 = as many as there are cores.
        providers: ONNX Runtime's execution providers, the first that can run a node does.
    """

    def __init__(self, folder: Path, *, threads: int = 0, providers: Sequence[Provider] = CPU) -> None:
        self.folder = folder
        self.settings: dict[str, Any] = json.loads((folder / "tilth.json").read_text(encoding="utf-8"))
        self.tasks: list[dict[str, Any]] = self.settings["tasks"]
        weights = load_weights(folder / WEIGHTS) if self.settings.get("packed") else None
        trunk = open_session(folder / "model.onnx", providers, weights)
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._reader = TextReader(trunk, tokenizer, self.settings, threads or os.cpu_count() or 1)
        self._heads = open_session(folder / "heads.onnx", providers)
        self._wording = PackedWording.load(folder / FILE) if self.settings.get("wording") else PackedWording.none()
        self._scope = Scope.from_json(self.settings["scope"]) if "scope" in self.settings else None

    def __repr__(self) -> str:
        tasks = ", ".join(f"{task['name']} ({len(task['labels'])} labels)" for task in self.tasks)
        return f"<Predictor of {tasks}: {self.folder}>"

    @classmethod
    def load(cls, folder: Path | str, *, threads: int = 0, providers: Sequence[Provider] = CPU) -> Predictor:
        """The model of a run's folder, or of the model folder in it.

        Args:
            folder: the folder.
            threads: batches that are computed at the same time; 0 = as many as there are cores.
            providers: ONNX Runtime's execution providers, the first that can run a node does.

        Raises:
            RequestError: the folder holds no model, one of another version, or one whose files are not those that were
                written; or ONNX Runtime is too old, or has no such provider.
        """
        folder = Path(folder)
        folder = folder / "model" if (folder / "run.json").is_file() else folder
        missing = [name for name in _FILES if not (folder / name).is_file()]
        if missing:
            raise RequestError(
                f"{folder} lacks {', '.join(missing)}; give the folder of a run that trained a model, such as "
                "data/runs/latest"
            )
        settings = _settings(folder)
        if (version := settings.get("version")) not in _READABLE:
            raise RequestError(f"{folder} holds a model of version {version}, expected {VERSION}; run the night again")
        if version >= _DIGESTED:
            check_digests(folder)
        if settings.get("wording") and not (folder / FILE).is_file():
            raise RequestError(f"{folder} lacks {FILE}, which its tilth.json names; copy the whole folder of the model")
        return cls(folder, threads=threads, providers=providers)

    @overload
    def __call__(self, texts: str) -> Answer: ...  # type: ignore[overload-overlap]  # a str is a Sequence[str] too

    @overload
    def __call__(self, texts: Sequence[str]) -> list[Answer]: ...

    def __call__(self, texts: str | Sequence[str]) -> Answer | list[Answer]:
        """For each task `{"label", "confidence", "out_of_scope"}`, of one text, or of each in a list.

        The label is None where the text is out of scope, unlike what the model learned from, and where the parent's
        label has no child. A text of nothing but spaces is out of scope, with confidence 0.

        Raises:
            RequestError: what is given are no texts.
        """
        if isinstance(texts, str):
            return self([texts])[0]
        answers = self.answers(texts)
        return [
            {task["name"]: self._answer(task, answers, row, is_blank=not text.strip()) for task in self.tasks}
            for row, text in enumerate(texts)
        ]

    @staticmethod
    def _answer(task: Mapping[str, Any], answers: Answers, row: int, *, is_blank: bool) -> dict[str, Any]:
        code, confidence = int(answers.codes[task["name"]][row]), float(answers.confidence[task["name"]][row])
        is_outside = is_blank or bool(answers.out_of_scope[row])
        return {
            "label": None if is_outside or code < 0 else str(task["labels"][code]),
            "confidence": 0.0 if is_blank else round(confidence, 4),
            "out_of_scope": is_outside,
        }

    def answers(self, texts: Sequence[str]) -> Answers:
        """Everything that the model says of the texts, in their order.

        Raises:
            RequestError: what is given are no texts.
        """
        check_texts(texts)
        return self.decide(self.read(texts))

    def read(self, texts: Sequence[str], vectors: np.ndarray | None = None) -> np.ndarray:
        """What all that the model says of a text follows from, float32, shape (texts, labels of all tasks + 1).

        The logits of the tasks in their order, not calibrated, and last the largest cosine to a prototype.

        Args:
            texts: to be read.
            vectors: theirs by `embed`, where they are known.
        """
        outputs = [f"probabilities_{position}" for position in range(len(self.tasks))]
        vectors = self.embed(texts) if vectors is None else vectors
        values = self._heads.run([*outputs, "scope_score"], {"vector": vectors})
        names = [task["name"] for task in self.tasks]
        mixed = self._wording.mix(texts, dict(zip(names, values[:-1], strict=True)))
        return np.concatenate([*mixed.values(), np.reshape(values[-1], (-1, 1))], axis=1).astype(np.float32)

    def decide(self, read: np.ndarray) -> Answers:
        """The answers that follow from what `read` gave."""
        ends = np.cumsum([len(task["labels"]) for task in self.tasks])
        parts = np.split(read[:, :-1], ends[:-1], axis=1)
        mixed = {task["name"]: part for task, part in zip(self.tasks, parts, strict=True)}
        probabilities, nearest = pool_tasks(self._wording.heads, mixed), read[:, -1]
        scope = nearest if self._scope is None else self._scope.score(log_certainty(parts), nearest)
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
        return self._reader.embed(texts)


def _settings(folder: Path) -> dict[str, Any]:
    try:
        settings: dict[str, Any] = dict(json.loads((folder / "tilth.json").read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise DamagedFileError(f"{folder / 'tilth.json'} is damaged ({error}); run the night again") from None
    return settings


def predictor_code_digest() -> str:
    """Digest of the code that turns a model folder and a text into an answer, and of the libraries that it calls."""
    from tilth.store import digest_made_by  # heavy, and no prediction needs it

    here = Path(__file__)
    learn = here.parents[2] / "learn"
    views = (
        here.parent / "checked_texts.py",
        here.parent / "digests.py",
        here.parent / "packed_weights.py",
        here.parent / "packed_wording.py",
        here.parent / "scope.py",
        here.parent / "session.py",
        here.parent / "text_reader.py",
        here.parent / "edge_inputs.py",
        here.parents[1] / "heads" / "ngram_features.py",
    )
    files = (here, *views, *(learn / name for name in ("hierarchy.py", "encoder/chunking.py", "lexical/analyzers.py")))
    return digest_made_by(files, ("onnxruntime", "tokenizers"))
