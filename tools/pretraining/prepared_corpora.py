"""The examples of pretraining, on disk: to read the corpora takes a processor an hour; no accelerator should wait."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tilth.augmentation.diffusion.adaptation.training_data import Examples

_PARTS = ("source", "target", "fidelity", "boldness", "weight")


@dataclass(frozen=True)
class Corpora:
    """Training examples, held-out ones by kind, the ids that may be predicted, and counts for the card."""

    train: Examples
    heldout: dict[str, Examples]
    vocabulary: np.ndarray
    counts: dict[str, int]


def save(corpora: Corpora, file: Path) -> None:
    """Writes the corpora to an .npz file, whole or not at all."""
    texts = corpora.train.texts
    held = {f"heldout {number}": part for number, part in enumerate(corpora.heldout.values())}
    arrays = {
        f"{name} {part}": getattr(examples, part)
        for name, examples in {"train": corpora.train, **held}.items()
        for part in _PARTS
    }
    partial = file.with_suffix(".new.npz")
    np.savez_compressed(
        partial,
        tokens=np.concatenate([np.asarray(text, dtype=np.int32) for text in texts]),
        sizes=np.array([len(text) for text in texts]),
        vocabulary=corpora.vocabulary,
        notes=np.array(json.dumps({"heldout": list(corpora.heldout), "counts": corpora.counts})),
        **arrays,
    )
    partial.replace(file)


def restore(file: Path) -> Corpora:
    """The corpora that `save` wrote."""
    with np.load(file) as archive:
        arrays = {name: archive[name] for name in archive.files}
    notes = json.loads(str(arrays["notes"]))
    texts = [text.tolist() for text in np.split(arrays["tokens"], np.cumsum(arrays["sizes"])[:-1])]

    def examples(name: str) -> Examples:
        return Examples(texts, *(arrays[f"{name} {part}"] for part in _PARTS))

    held = {name: examples(f"heldout {number}") for number, name in enumerate(notes["heldout"])}
    return Corpora(examples("train"), held, arrays["vocabulary"], notes["counts"])
