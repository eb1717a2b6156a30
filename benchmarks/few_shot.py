"""What added rows are worth to a model of few labels: gold macro-F1 with none, with tilth's, and with other ways'.

    python benchmarks/few_shot.py --data data/public        (nlpaug beside it: pip install nlpaug)
    python benchmarks/few_shot.py --data data/public --trunk --sets banking77:5 sentfin:100 --seeds 3
    python benchmarks/few_shot.py --data data/public --sources 0        (without any paraphrase: minutes, not hours)

Each seed draws a few labels a class; all other texts have none. The stage runs with its defaults, but for two things:
its denoiser is adapted once for a data set and serves all draws, for the texts are the same; and `--sources` may cap
the rows that it paraphrases. Of labels, adaptation sees those of the first draw, and only to leave out neighbors whose
labels clash. Every other way adds as many rows for a labeled row as the gate accepted of its paraphrases, one at least;
self-training does so too, and once more with every text. `--trunk` measures the fine-tuned encoder beside the two
quick models: as many steps for every way, then the linear probe on its vectors.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import _results
import numpy as np
import pandas as pd
from _augmenters import Given, Made, adapted, by_nlpaug, by_tilth, prepare, substituted
from _learners import Added, Learners
from diffusers.utils import logging
from scipy import stats
from sklearn.semi_supervised import LabelSpreading

from tilth.augmentation.config import Config
from tilth.augmentation.diffusion.config import AdaptConfig
from tilth.augmentation.selection import share_weights
from tilth.config import EncoderConfig
from tilth.learn import Evidence, fit_predict
from tilth.learn.encoder import Encoder
from tilth.samples import Origin, from_pandas, to_pandas
from tilth.stage.contract import Resources
from tilth.stage.registry import perform
from tilth.store import Cache
from tilth.weak_supervision.config import Config as WeakConfig

WEIGHT = 1.0
NOTHING, TILTH, EVERYTHING = "nothing", "tilth, its defaults", "all the labels"
COLUMNS = ("data set", "labels a class", "added", "rows added")


def written(given: Given, made: Made) -> Added:
    """Texts that a peer wrote: those of a row and the row itself together weigh as a row without any."""
    places = np.array([place for place, _ in made], dtype=np.int64)
    own, theirs = share_weights(len(given.texts), places, WEIGHT)
    return Added([text for _, text in made], given.truth[places], theirs, own)


def paraphrased(given: Given, rows: pd.DataFrame, weight: float) -> Added:
    """Rows by the stage, which weigh what training gives them: by the proof's weight, and less where in doubt."""
    own, theirs = share_weights(len(given.texts), rows["place"].to_numpy(dtype=np.int64), weight)
    weights = theirs * rows["label_confidence"].to_numpy(dtype=float)
    return Added(list(rows["text"]), given.truth[rows["place"]], weights, own)


def whole(added: Added, weight: float) -> Added:
    """The same texts, as much beside their rows as they have of them, which keep all of their weight."""
    return Added(added.texts, added.codes, added.weights * (1 + weight))


def neighbors(given: Given, vectors: np.ndarray, counts: np.ndarray) -> Added:
    """Each labeled row lends its label to the unlabeled rows nearest to it, which weigh their cosine."""
    others = np.setdiff1d(np.arange(len(vectors)), given.sources)
    cosine = vectors[given.sources] @ vectors[others].T
    order = np.argsort(-cosine, axis=1, kind="stable")[:, : counts.max()]
    source, rank = np.nonzero(np.arange(order.shape[1]) < counts[:, None])
    near = order[source, rank]
    texts = [given.texts[place] for place in others[near]]
    return Added(texts, given.truth[given.sources[source]], np.clip(cosine[source, near], 0, 1))


def guessed(given: Given, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The places of the unlabeled rows, and a linear probe's belief in each (rows, classes)."""
    others = np.setdiff1d(np.arange(len(vectors)), given.sources)
    known = given.truth[given.sources]
    return others, fit_predict(vectors[given.sources], known, vectors[others], len(given.task.labels))


def self_trained(given: Given, others: np.ndarray, belief: np.ndarray, counts: np.ndarray) -> Added:
    """One round of self-training: of each class the rows that the linear probe is surest of, at full weight."""
    said, sure = belief.argmax(axis=1), belief.max(axis=1)
    known = given.truth[given.sources]
    budget = np.bincount(known, weights=counts, minlength=len(given.task.labels)).astype(int)
    order = np.argsort(-sure, kind="stable")
    rank = pd.Series(said[order]).groupby(said[order]).cumcount().to_numpy()
    taken = order[rank < budget[said[order]]]
    return Added([given.texts[place] for place in others[taken]], said[taken], np.ones(len(taken)))


def believed(given: Given, others: np.ndarray, belief: np.ndarray) -> Added:
    """Every unlabeled row, at the belief in its answer: by a linear probe, self-training with every text."""
    return Added([given.texts[place] for place in others], belief.argmax(axis=1), belief.max(axis=1))


def spread(given: Given, vectors: np.ndarray) -> Added:
    """scikit-learn's label spreading over the nearest rows, as it comes: every text, at the belief in its answer."""
    codes = np.full(len(vectors), -1)
    codes[given.sources] = given.truth[given.sources]
    others = np.flatnonzero(codes < 0)
    found = LabelSpreading(kernel="knn").fit(vectors, codes)
    belief = np.nan_to_num(found.label_distributions_[others])  # nan where no label reaches a row: weight 0
    return believed(given, others, belief)  # every class has a label, so that the columns are the classes


def labeled_by_text(given: Given, encoder: Encoder, cache: Cache, scratch: Path) -> Added:
    """The rows without a label that weak supervision labels where there is no function, at their confidence."""
    scratch.mkdir(parents=True)
    samples = from_pandas(given.frame, [given.task])
    evidence = Evidence(samples, encoder=encoder, cache=cache)
    resources = Resources(tasks=(given.task,), seed=0, evidence=evidence, scratch=scratch)
    after = to_pandas(perform("weak_supervision", samples, WeakConfig(), resources).samples)
    rows = after[after[f"{given.task.name}_origin"].eq(Origin.PROPAGATED)]
    codes = given.task.codes(rows[given.task.name])
    return Added(rows["text"].tolist(), codes, rows[f"{given.task.name}_confidence"].to_numpy(float))


def together(one: Added, two: Added) -> Added:
    """Both; the labeled rows count what the second leaves them."""
    return Added(
        [*one.texts, *two.texts],
        np.concatenate([one.codes, two.codes]),
        np.concatenate([one.weights, two.weights]),
        two.own,
    )


def ways(
    given: Given, vectors: np.ndarray, config: Config, encoder: Encoder, home: Path, seed: int
) -> dict[str, Added]:
    """What each way adds to the labeled rows."""
    by_text = labeled_by_text(given, encoder, Cache(home / "cache"), home / "weak")
    others, belief = guessed(given, vectors)
    if not config.sources:
        ones = np.ones(len(given.sources), dtype=np.int64)
        return {
            NOTHING: written(given, []),
            TILTH: by_text,
            "neighbors, labeled by the nearest": neighbors(given, vectors, ones),
            "self-training": self_trained(given, others, belief, ones),
            "self-training, every text": believed(given, others, belief),
            "label spreading, by scikit-learn": spread(given, vectors),
        }
    ours = by_tilth(given, config, encoder, Cache(home / "cache"), seed, home / "scratch")
    accepted, used = (ours.rows[ours.rows[name].to_numpy(dtype=bool)] for name in ("accepted", "used"))
    counts = np.maximum(1, np.bincount(accepted["place"], minlength=len(vectors))[given.sources])
    weight = float(ours.metrics.get("weight", 1.0))
    print({key: ours.metrics.get(key) for key in ("sources", "accepted", "used", "weight")}, flush=True)
    found = {
        NOTHING: written(given, []),
        TILTH: together(by_text, paraphrased(given, used, weight)),
        'tilth, paraphrases alone, `when = "auto"`': paraphrased(given, used, weight),
        # With "always", training takes whatever the gate accepted.
        'tilth, paraphrases alone, `when = "always"`': paraphrased(given, accepted, weight),
        "the same, beside whole rows": whole(paraphrased(given, accepted, weight), weight),
        "contextual substitution": written(given, substituted(given, ours.denoiser, counts.tolist(), seed)),
        "neighbors, labeled by the nearest": neighbors(given, vectors, counts),
        "self-training": self_trained(given, others, belief, counts),
        "self-training, every text": believed(given, others, belief),
    }
    try:
        found["EDA's swap and deletion, by nlpaug"] = written(given, by_nlpaug(given, counts.tolist(), seed))
    except ImportError as error:
        print(f"nlpaug: not run: {error}")
    return found


def gained(values: Sequence[float], plain: Sequence[float]) -> list[str]:
    """The median paired gain, and Student's 95% interval of the mean paired gain over seeds, if there are several."""
    gains = np.array(values) - np.array(plain)
    if len(gains) == 1:
        return [f"{gains[0]:+.3f}", ""]
    middle, half = gains.mean(), stats.t.ppf(0.975, len(gains) - 1) * stats.sem(gains)
    return [f"{np.median(gains):+.3f}", f"{middle - half:+.3f} to {middle + half:+.3f}"]


def lines_of(before: Sequence[str], runs: Sequence[Mapping[str, Sequence[float]]]) -> list[list[str]]:
    """A line for each way over the runs of all seeds; printed too."""
    lines = []
    for way in runs[0]:
        line = [*before, way, f"{np.median([run[way][0] for run in runs]):.0f}"]
        for model in range(1, len(runs[0][way])):
            values, plain = ([run[name][model] for run in runs] for name in (way, NOTHING))
            line += [_results.shown(values), *(gained(values, plain) if way != NOTHING else ["", ""])]
        lines.append(line)
        print("| " + " | ".join(line) + " |", flush=True)
    return lines


def timed(what: str, begun: float) -> float:
    """Print how long something took; the time now."""
    now = time.monotonic()
    print(f"{what}: {now - begun:.0f} s", flush=True)
    return now


def measure(
    name: str, sizes: Sequence[int], options: argparse.Namespace, learners: Learners, home: Path
) -> list[list[str]]:
    """Every line of one data set."""
    lines: list[list[str]] = []
    encoder = learners.encoder
    now = time.monotonic()
    first = prepare(name, options.data, sizes[0], 0)
    encoder.encode(first.texts + first.gold[0])
    now = timed(f"{name}: embeddings", now)
    denoiser = adapted(first, encoder, home / name) if options.sources else "pretrained"
    now = timed(f"{name}: adaptation", now)
    ceiling = learners.scored(first, np.arange(len(first.frame)), written(first, []), 0)
    now = timed(f"{name}: {EVERYTHING}", now)
    config = Config(denoiser=str(denoiser), sources=options.sources, adapt=AdaptConfig(steps=0))
    for size in sizes:
        runs = []
        for seed in range(options.seeds):
            given = prepare(name, options.data, size, seed)
            found = ways(given, encoder.encode(given.texts), config, encoder, home / f"{name}-{size}-{seed}", seed)
            now = timed(f"{name}, {size} labels a class, seed {seed}: rows", now)
            run = {way: learners.scored(given, given.sources, added, seed) for way, added in found.items()}
            now = timed(f"{name}, {size} labels a class, seed {seed}: models", now)
            runs.append({**run, EVERYTHING: [len(given.frame) - len(given.sources), *ceiling[1:]]})
        lines += lines_of([name, str(size)], runs)
    return lines


def sizes_of(word: str) -> tuple[str, list[int]]:
    """A data set and its labels a class, e.g. `banking77:1,5,10`."""
    name, _, sizes = word.partition(":")
    return name, [int(size) for size in sizes.split(",")]


def main() -> None:
    """Run, print the table, and put it into its file of results."""
    parser = _results.parser(__doc__, ["banking77:1,5,10", "clinc150:5", "sentfin:100"])
    parser.add_argument("--sources", type=int, default=Config().sources, help="rows that are paraphrased at most")
    parser.add_argument("--trunk", action="store_true", help="fine-tune the encoder too")
    arguments = parser.parse_args()
    logging.disable_progress_bar()  # each draw loads the denoiser anew
    lines: list[list[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        learners = Learners(Encoder(EncoderConfig(), Cache(Path(folder) / "embeddings")), arguments.trunk)
        for number, (name, sizes) in enumerate(map(sizes_of, arguments.sets), start=1):
            lines += measure(name, sizes, arguments, learners, Path(folder))
            _write(arguments, arguments.sets[:number], learners.names, lines)


def _write(arguments: argparse.Namespace, sets: Sequence[str], models: Sequence[str], lines: list[list[str]]) -> None:
    """Put what is measured so far into its file of results, so that a run that is stopped keeps its whole data sets."""
    columns = [*COLUMNS, *(column for name in models for column in (name, "gain", "95%"))]
    option, word = (" --trunk", "fine-tuned trunk") if arguments.trunk else ("", "model")
    section, what = (
        ("few_shot", "added rows are") if arguments.sources else ("few_shot_unlabeled", "texts without a label are")
    )
    _results.write(
        f"{section}_trunk" if arguments.trunk else section,
        f"# What {what} worth to a {word} of few labels\n\n`python benchmarks/few_shot.py{option} --sets "
        f"{' '.join(sets)} --seeds {arguments.seeds} --sources {arguments.sources}` ({_results.machine()})\n\n"
        f"Gold macro-F1, median over {arguments.seeds} seeds (smallest to largest), which draw the labeled rows. Gain: "
        "the median paired difference to nothing added, and Student's 95% interval of its mean. Every peer adds as "
        "many rows for a labeled row as the gate accepted of its paraphrases, one at least. By its defaults tilth "
        "labels texts without a label by the text alone, each at the weight of its confidence (weak supervision "
        "without functions, unless held-out labels object), and takes paraphrases where they are proved to help. "
        "A row and its paraphrases, or a peer's texts of it, weigh together as much as a row without any: paraphrases "
        "take of that what the proof gives them, less where the linear probe doubts their label, a peer's texts half. "
        "A neighbor weighs its cosine, a self-trained row 1, or the linear probe's belief where every text is taken. "
        "Substitution uses tilth's own adapted denoiser, without a source or a gate. EDA's synonyms and insertions "
        "need WordNet, which has to be downloaded: left out.\n\n" + _results.table(columns, lines),
    )


if __name__ == "__main__":
    main()
