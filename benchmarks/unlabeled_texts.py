"""What texts without labels teach beside few labels: the heads on a trained encoder, or the encoder itself.

    python benchmarks/unlabeled_texts.py --data data/public --seeds 1

Each seed draws a few labels a class; all other train texts have none. The top three layers are trained on the labels by
contrast, or on the labels and on the surest pseudo-labels of the encoder as it came; then linear probes of its vectors
learn from the labels alone, and from the labels and all other texts, which its own vectors label. No row is held out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import _results
import numpy as np
from cleaning import read
from few_shot import sizes_of

from tilth.config import EncoderConfig
from tilth.learn import fit_predict, pseudo_label
from tilth.learn.encoder import Encoder
from tilth.samples import Task
from tilth.store import Cache
from tilth.training.heads import fit_head
from tilth.training.modes.top_layers import TopLayers
from tilth.training.trainer import CLASSIFY, Objective, TrainerConfig, TuningRows, contrastive, tune

COLUMNS = ("data set", "labels a class", "encoder", "labels alone", "with the other texts", "pseudo-labels right")
LAYERS = 3


@dataclass(frozen=True)
class Draw:
    """Train texts, of which few have a class, and gold ones: texts, classes of the train texts, labels, and vectors."""

    texts: list[str]
    truth: np.ndarray
    codes: np.ndarray
    gold: np.ndarray
    task: Task
    vectors: np.ndarray


def draw(name: str, size: int, seed: int, folder: Path, encoder: Encoder) -> Draw:
    """So many labels a class."""
    train, gold = read(name, folder)
    train = train.reset_index(drop=True)
    task = Task(name="label", labels=tuple(sorted(train["label"].unique())))
    truth = task.codes(train["label"])
    codes = np.full(len(train), -1)
    picked = train.groupby("label").sample(size, random_state=seed).index.to_numpy()
    codes[picked] = truth[picked]
    texts = [*train["text"].astype(str), *gold["text"].astype(str)]
    return Draw(texts, truth, codes, task.codes(gold["label"]), task, encoder.encode(texts))


def scored(given: Draw, vectors: np.ndarray) -> tuple[list[float], np.ndarray]:
    """Gold accuracy by the labels alone and with the other texts, the share of right pseudo-labels, and these."""
    known, classes, size = given.codes >= 0, len(given.task.labels), len(given.codes)
    gold = vectors[size:]
    alone = fit_predict(vectors[:size][known], given.codes[known], gold, classes)
    labels = pseudo_label(vectors[:size], given.codes, classes)
    codes, weights = given.codes.copy(), np.ones(size)
    codes[~known], weights[~known] = labels.argmax(axis=1), labels.max(axis=1)
    both = fit_predict(vectors[:size], codes, gold, classes, weights)
    right = [float((found.argmax(axis=1) == given.gold).mean()) for found in (alone, both)]
    return [*right, float((codes == given.truth)[~known].mean())], labels


def trained(
    given: Draw, codes: np.ndarray, weights: np.ndarray, objective: Objective, config: TrainerConfig, seed: int,
    encoder: Encoder, kept: Callable[..., dict[str, np.ndarray]],
) -> np.ndarray:  # fmt: skip
    """Vectors of all texts by top layers that were trained on these classes."""
    rest = len(given.texts) - len(codes)
    rows = np.flatnonzero(codes >= 0)
    part = TopLayers(encoder.folder, given.texts, config.max_tokens, LAYERS, kept)
    head = fit_head(given.task, given.vectors[rows], codes[rows], weights[rows], uses_parent=False)
    everything = TuningRows(
        texts=given.texts,
        codes={"label": np.concatenate([codes, np.full(rest, -1)])},
        weights={"label": np.concatenate([weights, np.ones(rest)])},
        measured=np.concatenate([codes < 0, np.ones(rest, dtype=bool)]),
    )
    tune(encoder.folder, everything, [head], config, seed, part=part, objective=objective)
    return part.vectors()


def measure(given: Draw, seed: int, shares: list[float], encoder: Encoder, cache: Cache) -> dict[str, list[float]]:
    """Each way to train the encoder, and what comes of it."""

    def kept(compute: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        return cache.arrays("activations", "0" * 32, compute)

    by_contrast, by_classes = TrainerConfig(steps=80, batch_size=56), TrainerConfig(steps=150)
    found: dict[str, list[float]] = {}
    found["as it came"], labels = scored(given, given.vectors)
    known, ones = given.codes >= 0, np.ones(len(given.codes))
    contrast = contrastive(given.codes[known])
    vectors = trained(given, given.codes, ones, contrast, by_contrast, seed, encoder, kept)
    found["contrast of the labels"], _ = scored(given, vectors)
    for share in shares:
        codes, weights = given.codes.copy(), ones.copy()
        surest = np.argsort(-labels.max(axis=1), kind="stable")[: int(len(labels) * share)]
        places = np.flatnonzero(~known)[surest]
        codes[places], weights[places] = labels.argmax(axis=1)[surest], labels.max(axis=1)[surest]
        pairs, longer = contrastive(codes[codes >= 0]), by_contrast.model_copy(update={"steps": 120})
        for way, objective, config in (("classes", CLASSIFY, by_classes), ("contrast", pairs, longer)):
            vectors = trained(given, codes, weights, objective, config, seed, encoder, kept)
            found[f"{way} of the labels and the surest {share:.0%}"], _ = scored(given, vectors)
            print(list(found.items())[-1], flush=True)
    return found


def main() -> None:
    """Run, print the table, and put it into its file of results."""
    parser = _results.parser(__doc__, ["banking77:5", "clinc150:5"])
    parser.add_argument("--shares", nargs="*", type=float, default=[0.4, 0.8])
    parser.add_argument("--cache", type=Path, help="a folder that keeps the embeddings")
    arguments = parser.parse_args()
    lines: list[list[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        encoder = Encoder(EncoderConfig(), Cache(arguments.cache or Path(folder) / "embeddings"))
        for name, size in ((name, size) for name, sizes in map(sizes_of, arguments.sets) for size in sizes):
            cache = Cache(Path(folder) / name)
            runs = [
                measure(draw(name, size, seed, arguments.data, encoder), seed, arguments.shares, encoder, cache)
                for seed in range(arguments.seeds)
            ]
            lines += _results.compared([name, str(size)], runs)
    _results.write(
        "unlabeled_texts",
        "# What texts without labels teach\n\n"
        f"`python benchmarks/unlabeled_texts.py --seeds {arguments.seeds} --sets {' '.join(arguments.sets)}`, "
        f"{_results.machine()}. Gold accuracy of linear probes, by vectors alone; the median over the seeds. The top "
        f"{LAYERS} layers of the encoder are trained.\n\n" + _results.table(COLUMNS, lines),
    )


if __name__ == "__main__":
    main()
