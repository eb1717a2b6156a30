"""The exported model at work: ONNX Runtime and tokenizers alone, so that it starts fast and runs anywhere.

Pictures take Pillow, too, which loads with the first one, and an encoder that reads long texts by windows takes torch.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
from tokenizers import Tokenizer

from tilth.errors import RequestError
from tilth.learn import decide
from tilth.training.export.answers import Answer, Answers
from tilth.training.export.checked_rows import check_texts, is_one, paired
from tilth.training.export.folder import checked_folder
from tilth.training.export.graphs import CPU, Provider, open_session
from tilth.training.export.packed import (
    PASSAGES,
    PICTURE_GRAPH,
    PICTURES,
    WEIGHTS,
    WORDING,
    PackedPassages,
    PackedPictures,
    PackedWording,
    Scope,
    Seen,
    load_weights,
    log_certainty,
    pool_tasks,
)
from tilth.training.export.picture_reader import Picture, PictureReader
from tilth.training.export.text_reader import TextReader


class Predictor:
    """A model folder, loaded.

    `model.onnx` turns tokens into an L2-normalized vector and `heads.onnx` a vector into probabilities. They are two
    files so that a long text can be read in chunks: the chunks' vectors are averaged by their tokens, exactly as the
    encoder does it in training, before the heads answer once. Where the model knows wording too (`wording.npz`), what
    it says of the text's n-grams is pooled with these probabilities; and where it knows pictures (`pictures.onnx`,
    `pictures.npz`), so is what it says of the picture beside the text.

    Args:
        folder: with `model.onnx`, `heads.onnx`, `tokenizer.json` and `tilth.json`.
        threads: batches that are computed at the same time; 0 = as many as there are cores.
        providers: ONNX Runtime's execution providers, the first that can run a node does.
        tokenizer: the file of another one that gives the same ids; None takes the folder's.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        threads: int = 0,
        providers: Sequence[Provider] = CPU,
        tokenizer: Path | None = None,
    ) -> None:
        self.folder = folder = Path(folder)
        self.settings: dict[str, Any] = json.loads((folder / "tilth.json").read_text(encoding="utf-8"))
        self.tasks: list[dict[str, Any]] = self.settings["tasks"]
        pieces = Tokenizer.from_file(str(tokenizer or folder / "tokenizer.json"))
        passages = PackedPassages.load(folder / PASSAGES) if self.settings.get("passages") else None
        self._reader = TextReader(
            self._trunk(providers), pieces, self.settings, threads or os.cpu_count() or 1, passages
        )
        self._heads = open_session(folder / "heads.onnx", providers)
        self._wording = PackedWording.load(folder / WORDING) if self.settings.get("wording") else PackedWording.none()
        self._scope = Scope.from_json(self.settings["scope"]) if "scope" in self.settings else None
        self._pictures: PackedPictures | None = None
        if "pictures" in self.settings:
            self._pictures = PackedPictures.load(folder / PICTURES)
            self._picture_reader = PictureReader(
                lambda: open_session(folder / PICTURE_GRAPH, providers),
                self.settings["pictures"],
                threads or os.cpu_count() or 1,
            )

    def _trunk(self, providers: Sequence[Provider]) -> Any:
        """The session of the encoder's graph, or what runs in its place where windows are chosen while it reads."""
        if "windows" in self.settings:
            from tilth.training.export.torch_trunk import TorchTrunk

            return TorchTrunk(self.folder, self.settings["windows"])
        weights = load_weights(self.folder / WEIGHTS) if self.settings.get("packed") else None
        return open_session(self.folder / "model.onnx", providers, weights)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled, a model is its files, so that a worker needs no folder of this machine."""
        files = {path.name: path.read_bytes() for path in sorted(self.folder.iterdir()) if path.is_file()}
        return _load_files, (files,)

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
        folder = checked_folder(Path(folder))
        return cls(folder, threads=threads, providers=providers)

    @overload
    def __call__(  # type: ignore[overload-overlap]  # a str is a Sequence[str] too
        self, texts: str, *, pictures: Picture | None = None
    ) -> Answer: ...

    @overload
    def __call__(self, texts: None = None, *, pictures: Picture) -> Answer: ...  # type: ignore[overload-overlap]  # so

    @overload
    def __call__(
        self, texts: Sequence[str | None] | None = None, *, pictures: Sequence[Picture | None] | None = None
    ) -> list[Answer]: ...

    def __call__(self, texts: Any = None, *, pictures: Any = None) -> Answer | list[Answer]:
        """For each task `{"label", "confidence", "out_of_scope"}`, of one row, or of each in a list.

        The label is None where the row is out of scope, unlike what the model learned from, where the parent's label
        has no child, and where the row has nothing by which the task is known. A text of nothing but spaces without a
        picture is out of scope, with confidence 0.

        Args:
            texts: one, or a list; None, or an empty one, where a row is a picture alone.
            pictures: beside them, or alone: paths, files' contents or pictures of Pillow's; None where a row has none.

        Raises:
            RequestError: what is given are no texts or no pictures, or the model knows no pictures.
        """
        if is_one(texts, pictures):
            return self([texts or ""], pictures=None if pictures is None else [pictures])[0]
        texts, pictures = paired(texts, pictures)
        answers = self.answers(texts, pictures)
        blank = [not text.strip() for text in texts]
        if pictures is not None:
            blank = [one and picture is None for one, picture in zip(blank, pictures, strict=True)]
        return [
            {task["name"]: answers.of(task, row, is_blank=one) for task in self.tasks} for row, one in enumerate(blank)
        ]

    def answers(
        self, texts: Sequence[str | None] | None = None, pictures: Sequence[Picture | None] | None = None
    ) -> Answers:
        """Everything that the model says of the rows, in their order.

        Raises:
            RequestError: what is given are no texts or no pictures, or the model knows no pictures.
        """
        given, pictures = paired(texts, pictures)
        check_texts(given)
        if pictures is None:
            return self.decide(self.read(given))
        vectors = self.embed_pictures(pictures)
        return self.decide(self.read(given), Seen.of(given, vectors, [one is not None for one in pictures]))

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

    def decide(self, read: np.ndarray, seen: Seen | None = None) -> Answers:
        """The answers that follow from what `read` gave, and from the rows' pictures where they have some."""
        ends = np.cumsum([len(task["labels"]) for task in self.tasks])
        parts = np.split(read[:, :-1], ends[:-1], axis=1)
        mixed = {task["name"]: part for task, part in zip(self.tasks, parts, strict=True)}
        probabilities, nearest = pool_tasks(self._wording.heads, mixed), read[:, -1]
        scope = nearest if self._scope is None else self._scope.score(log_certainty(parts), nearest)
        outside = scope < (0 if self._scope is None else self._scope.reject_below)
        if self._pictures is not None:
            seen = seen or Seen.none(len(read))
            probabilities = self._pictures.pool(probabilities, seen)
            scope, outside = self._pictures.scopes(scope, outside, seen)
        decided = decide(self.tasks, probabilities)
        if self._pictures is not None and seen is not None:
            decided = self._pictures.without_unknown(decided, seen)
        return Answers(
            probabilities=probabilities,
            codes={name: pair[0] for name, pair in decided.items()},
            confidence={name: pair[1] for name, pair in decided.items()},
            scope=scope,
            out_of_scope=outside,
        )

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """L2-normalized vectors of the texts, float32, shape (texts, dimensions)."""
        return self._reader.embed(texts)

    def embed_pictures(self, pictures: Sequence[Picture | None]) -> np.ndarray:
        """L2-normalized vectors of the pictures, float32, shape (pictures, dimensions); zeros for None.

        Raises:
            RequestError: the model knows no pictures; or one cannot be used.
        """
        if self._pictures is None:
            raise RequestError(
                f"{self.folder} knows no pictures, for its night had no column of them; leave the pictures out, or set "
                "data.image and run the night"
            )
        return self._picture_reader.embed(pictures)

    def decisive_passages(self, texts: Sequence[str]) -> list[str | None]:
        """Of each text that is read by passages, the sentence that its answers go by most; None for any other.

        Raises:
            RequestError: what is given are no texts.
        """
        check_texts(texts)
        if not self.settings.get("passages"):
            return [None] * len(texts)
        return self._reader.read_passages(texts).decisive


def embed_texts(texts: Sequence[str], predictor: Predictor) -> np.ndarray:
    """Vectors of one shard of texts, float32, shape (texts, dimensions), in whatever process."""
    return predictor.embed(texts)


def _load_files(files: Mapping[str, bytes]) -> Predictor:
    """The model whose folder held these files."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        return Predictor.load(folder, threads=1)  # a worker has one core
