"""Several annotators a row: which consensus is nearest to the truth, and whose skill is estimated best.

    python benchmarks/annotators.py --data data/public
    python benchmarks/annotators.py --sets sentfin --seeds 3 --out data/annotators      a run that goes on where it was

Twelve annotators of unlike skill label real rows; where one is wrong, it is with the class that models mistake for
the right one. The constants were set on banking77 with seed 1; seeds here start from 10.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import _results
import numpy as np
import pandas as pd
from cleaning import Rows, evidence_of, prepare
from cleanlab.multiannotator import get_label_quality_multiannotator, get_majority_vote_label

import tilth
from tilth.cleaning import Config
from tilth.cleaning.label_errors.models.out_of_fold_models import NeighborGraph, fit_evidence_models
from tilth.config import EncoderConfig
from tilth.learn.encoder import Encoder
from tilth.samples import joint_consensus
from tilth.store import Cache, digest_code

CROWDS = {
    "careful, 1 to 3 votes": ((0.8, 0.98), (1, 3)),
    "mixed, 1 to 3 votes": ((0.4, 0.95), (1, 3)),
    "mixed, 3 to 5 votes": ((0.4, 0.95), (3, 5)),
    "poor, 1 to 3 votes": ((0.3, 0.7), (1, 3)),
}
ANNOTATORS = 12
COLUMNS = ("data set", "annotators", "consensus", "right", "rank correlation of skill")


def vote(rows: Rows, skills: np.ndarray, votes: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Codes of shape (rows, annotators), NaN where one said nothing."""
    truth, classes = rows.truth, len(rows.task.labels)
    mistaken = np.zeros((classes, classes))
    np.add.at(mistaken, truth, rows.belief)
    np.fill_diagonal(mistaken, 0)
    chances = (mistaken / mistaken.sum(axis=1, keepdims=True)).cumsum(axis=1)
    count = rng.integers(votes[0], votes[1] + 1, len(truth))
    speaks = rng.random((len(truth), len(skills))).argsort(axis=1).argsort(axis=1) < count[:, None]
    wrong = (rng.random((len(truth), len(skills)))[:, :, None] > chances[truth][:, None, :]).sum(axis=2)
    right = rng.random(speaks.shape) < skills
    said = np.where(right, truth[:, None], np.minimum(wrong, classes - 1))
    return np.where(speaks, said, np.nan)


def one(rows: Rows, encoder: Encoder, cache: Cache, crowd: str, seed: int) -> dict[str, list[float]]:
    """Share of right labels over rows with several votes, and how well the annotators are ranked, by consensus."""
    (low, high), votes = CROWDS[crowd]
    rng = np.random.default_rng(seed)
    skills = rng.uniform(low, high, ANNOTATORS)
    ballots = vote(rows, skills, votes, rng)
    several = (~np.isnan(ballots)).sum(axis=1) > 1
    majority = np.array([np.bincount(row[~np.isnan(row)].astype(int)).argmax() for row in ballots])
    names = np.array(rows.task.labels, dtype=object)
    evidence = evidence_of(rows.frame.assign(label_given=names[majority]), rows.task, encoder, cache)
    probe = evidence.out_of_fold(rows.task, names[majority].tolist()).probabilities.astype(float)
    probe /= probe.sum(axis=1, keepdims=True)
    vectors, config = evidence.embeddings(), Config()
    graph = NeighborGraph.of(evidence.neighbors(config.neighbors, np.arange(len(majority))))
    joint = fit_evidence_models(vectors, graph, majority, evidence.folds, len(names), config.rounds).joint

    def figures(label: np.ndarray, quality: np.ndarray | None = None) -> list[float]:
        rank = float("nan") if quality is None else pd.Series(quality).corr(pd.Series(skills), method="spearman")
        return [float((label == rows.truth)[several].mean()), float(rank)]

    found = {
        "majority": figures(majority),
        "majority, ties by the linear probe": figures(get_majority_vote_label(ballots, probe, verbose=False)),
    }
    for name, belief in (("the linear probe", probe), ("tilth's models", joint)):
        got = get_label_quality_multiannotator(ballots, belief, return_detailed_quality=False, verbose=False)
        quality = got["annotator_stats"]["annotator_quality"].sort_index().to_numpy()
        found[f"CROWDLAB with {name}"] = figures(got["label_quality"]["consensus_label"].to_numpy(), quality)
    posterior, skill = joint_consensus(ballots, joint)
    found["tilth"] = figures(posterior.argmax(axis=1), skill)
    return found


def main() -> None:
    """Run, print the table, and put it into its file of results."""
    parser = _results.parser(__doc__, ["banking77", "clinc150", "sentfin"])
    parser.add_argument("--out", type=Path, help="folder of the cells and the cache, kept from run to run")
    arguments = parser.parse_args()
    lines: list[list[str]] = []
    package = Path(tilth.__file__).parent
    code = digest_code(*sorted(file for room in ("cleaning", "learn") for file in (package / room).rglob("*.py")))
    with tempfile.TemporaryDirectory() as folder:
        cache = Cache((arguments.out or Path(folder)) / "cache")
        encoder = Encoder(EncoderConfig(), cache)
        for name in arguments.sets:
            rows = prepare(name, arguments.data, encoder, cache)
            for crowd in CROWDS:
                runs = [
                    _results.kept(
                        arguments.out,
                        f"{name}.{crowd}.{seed}.{code[:8]}",
                        partial(one, rows, encoder, cache, crowd, seed),
                    )
                    for seed in range(10, 10 + arguments.seeds)
                ]
                lines += _results.compared([name, crowd], runs)
            _write(arguments.sets[: arguments.sets.index(name) + 1], arguments.seeds, lines)


def _write(sets: list[str], seeds: int, lines: list[list[str]]) -> None:
    """Put what is measured so far into its file of results, so that a run that is stopped keeps its whole data sets."""
    _results.write(
        "annotators",
        f"# A consensus of several annotators\n\n`python benchmarks/annotators.py --sets {' '.join(sets)} "
        f"--seeds {seeds}` ({_results.machine()})\n\n"
        f"Share of right labels on the rows with several votes; median over {seeds} seeds (smallest to largest). "
        "Models learn from the majority's labels. What was tuned was tuned on banking77.\n\n"
        + _results.table(COLUMNS, lines),
    )


if __name__ == "__main__":
    main()
