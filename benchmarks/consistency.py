"""Texts without labels and their paraphrases: is a trunk better that answers both alike?

    python benchmarks/consistency.py --data data/public --seeds 1

Each seed draws a few labels a class. The top three layers are trained on the labels by contrast, as the mode
`contrastive` does it, or by that and one of two losses of consistency on texts without a label, each beside one
paraphrase by the shipped denoiser: the paraphrase is to be answered as the text is (Xie et al. 2020), or to be nearer
to the text than other paraphrases are (Gao et al. 2021). Then linear probes of the vectors learn from the labels alone,
and from the labels and other texts, which these vectors label. No row is held out, and no night does any of this.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import _results
import numpy as np
import torch
from few_shot import sizes_of
from paraphrase_speed import tilth as paraphraser
from torch import nn
from unlabeled_texts import Draw, draw, scored

from tilth.config import EncoderConfig
from tilth.learn.encoder import Encoder
from tilth.store import Cache
from tilth.training.heads import fit_head
from tilth.training.modes.top_layers import TopLayers
from tilth.training.trainer import Objective, TrainerConfig, TuningRows, contrastive, tune

COLUMNS = ("data set", "labels a class", "encoder", "labels alone", "with other texts", "pseudo-labels right")
LAYERS, LABELED, PAIRS, STEPS = 3, 56, 16, 80
SHARPENED = 0.5
"""The temperature of what a text is answered, before its paraphrase is to be answered so."""
NEAR = 0.6
"""The cosine to its text below which a draw is no paraphrase: the shipped denoiser is not adapted to the data set."""
Consistency = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""Vectors and logits of texts, then of their paraphrases, to one number."""


def answered_alike(_: torch.Tensor, logits: torch.Tensor, __: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """The cross-entropy of the paraphrases' answers with the sharpened ones of the texts, which teach nothing back."""
    wanted = torch.softmax(logits.detach() / SHARPENED, dim=1)
    return nn.functional.cross_entropy(other, wanted)


def nearer_than_others(vectors: torch.Tensor, _: torch.Tensor, other: torch.Tensor, __: torch.Tensor) -> torch.Tensor:
    """The contrast of a text's own paraphrase with those of the other texts."""
    return nn.functional.cross_entropy(vectors @ other.T / 0.1, torch.arange(len(vectors)))


WAYS: Mapping[str, Consistency | None] = {
    "contrast of the labels": None,
    "and paraphrases answered alike": answered_alike,
    "and paraphrases nearer than other texts": nearer_than_others,
}


@dataclass(frozen=True)
class Mixed:
    """The objective of contrast, with pairs of a text and its paraphrase behind the labeled rows of a batch."""

    labels: Objective
    labeled: int
    pairs: int
    consistency: Consistency

    def plan(self, lengths: Sequence[int], size: int, steps: int, generator: torch.Generator) -> list[list[int]]:
        """Labeled rows come first among the trained ones, then the texts, then their paraphrases in the same order."""
        batches = []
        for batch in self.labels.plan(lengths[: self.labeled], size, steps, generator):
            pairs = torch.randperm(self.pairs, generator=generator)[:PAIRS] + self.labeled
            batches.append([*batch, *pairs.tolist(), *(pairs + self.pairs).tolist()])
        return batches

    def loss(self, vectors, logits, codes, weights):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
        """Both, at equal weight."""
        own = slice(0, len(vectors) - 2 * PAIRS)
        taught = self.labels.loss(vectors[own], *([one[own] for one in part] for part in (logits, codes, weights)))
        texts, other = slice(own.stop, own.stop + PAIRS), slice(own.stop + PAIRS, None)
        return taught + self.consistency(vectors[texts], logits[0][texts], vectors[other], logits[0][other])


def smaller(given: Draw, texts: int, gold: int, seed: int) -> Draw:
    """The labeled rows, so many texts without a label, and so many gold ones: vectors of all would take hours."""
    rng, size = np.random.default_rng(seed), len(given.codes)
    rest = rng.permutation(np.flatnonzero(given.codes < 0))[:texts]
    kept = np.concatenate([np.flatnonzero(given.codes >= 0), rest])
    measured = rng.permutation(len(given.gold))[:gold]
    places = np.concatenate([kept, size + measured])
    return replace(
        given,
        texts=[given.texts[place] for place in places],
        truth=given.truth[kept],
        codes=given.codes[kept],
        gold=given.gold[measured],
    )


def paraphrases(given: Draw, count: int, encoder: Encoder) -> tuple[np.ndarray, list[str]]:
    """The places of texts without a label, and a paraphrase of each: the first draw that is near and no copy."""
    places = np.flatnonzero(given.codes < 0)[:count]
    texts = [given.texts[place] for place in places]
    written = paraphraser(4)(texts)
    cosines = (encoder.encode(written).reshape(len(texts), 4, -1) @ encoder.encode(texts)[:, :, None])[:, :, 0]
    found: dict[int, str] = {}
    for row, text in enumerate(texts):
        for number in range(4):
            candidate = written[4 * row + number]
            if cosines[row, number] >= NEAR and candidate.lower() != text.lower() and row not in found:
                found[row] = candidate
    return places[list(found)], list(found.values())


def trained(
    given: Draw, pairs: tuple[np.ndarray, list[str]], consistency: Consistency | None, seed: int, encoder: Encoder,
    cache: Cache,
) -> np.ndarray:  # fmt: skip
    """Vectors of the draw's texts by trained top layers."""
    labeled = np.flatnonzero(given.codes >= 0)
    places, written = pairs
    order = np.concatenate([labeled, places])
    texts = [*(given.texts[place] for place in order), *written, *given.texts]
    used = len(order) + len(written) if consistency is not None else len(labeled)
    codes = np.full(len(texts), -1)
    codes[: len(labeled)] = given.codes[labeled]
    head = fit_head(
        given.task, encoder.encode([given.texts[row] for row in labeled]), given.codes[labeled], np.ones(len(labeled)),
        uses_parent=False,
    )  # fmt: skip
    part = TopLayers(encoder.folder, texts, 128, LAYERS, lambda compute: cache.arrays("activations", "0" * 32, compute))
    contrast = contrastive(given.codes[labeled])
    mixed = Mixed(contrast, len(labeled), len(places), consistency) if consistency is not None else None
    rows = TuningRows(
        texts=texts, codes={"label": codes}, weights={"label": np.ones(len(texts))},
        measured=np.arange(len(texts)) >= used,
    )  # fmt: skip
    how = Objective(mixed.plan, mixed.loss) if mixed is not None else contrast
    tune(encoder.folder, rows, [head], TrainerConfig(steps=STEPS, batch_size=LABELED), seed, part=part, objective=how)
    return part.vectors()[len(order) + len(written) :]


def main() -> None:
    """Run, print the table, and put it into its file of results."""
    parser = _results.parser(__doc__, ["banking77:5"])
    parser.add_argument("--texts", type=int, default=3000, help="texts without a label")
    parser.add_argument("--parents", type=int, default=600, help="of them, those that are paraphrased")
    parser.add_argument("--gold", type=int, default=1500)
    parser.add_argument("--cache", type=Path, help="a folder that keeps the embeddings")
    arguments = parser.parse_args()
    lines: list[list[str]] = []
    counts = []
    with tempfile.TemporaryDirectory() as folder:
        encoder = Encoder(EncoderConfig(), Cache(arguments.cache or Path(folder) / "embeddings"))
        for name, size in ((name, size) for name, sizes in map(sizes_of, arguments.sets) for size in sizes):
            runs = []
            for seed in range(arguments.seeds):
                given = smaller(draw(name, size, seed, arguments.data, encoder), arguments.texts, arguments.gold, seed)
                cache = Cache(Path(folder) / f"{name}-{size}-{seed}")
                pairs = paraphrases(given, arguments.parents, encoder)
                counts.append(len(pairs[1]))
                found = {"as it came": scored(given, encoder.encode(given.texts))[0]}
                for way, consistency in WAYS.items():
                    found[way] = scored(given, trained(given, pairs, consistency, seed, encoder, cache))[0]
                    print(seed, way, found[way], flush=True)
                runs.append(found)
            lines += _results.compared([name, str(size)], runs)
    _results.write(
        "consistency",
        "# A text and its paraphrase answered alike\n\n"
        f"`python benchmarks/consistency.py {' '.join(sys.argv[1:])}`, {_results.machine()}. Accuracy on "
        f"{arguments.gold} gold rows of linear probes, by vectors alone; the median of {arguments.seeds} seed(s). Of "
        f"{arguments.texts} texts without a label {arguments.parents} were paraphrased, {min(counts)} to {max(counts)} "
        f"with a draw that is near its text; the top {LAYERS} layers are trained for {STEPS} batches of {LABELED} "
        f"labeled rows and {PAIRS} pairs.\n\n" + _results.table(COLUMNS, lines),
    )


if __name__ == "__main__":
    main()
