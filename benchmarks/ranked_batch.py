"""Claim: modAL's ranked batch, the same picks in order, at least 40 times as fast; and a batch from a million rows.

    python benchmarks/ranked_batch.py [--rows N] [--million]

The vectors are random, L2-normalized, of 384 dimensions; 500 of 77 classes are labeled. Both sides use one thread.
"""

from __future__ import annotations

import argparse
import resource
import time

import _results
import numpy as np
from modAL.batch import uncertainty_batch_sampling
from threadpoolctl import threadpool_limits

from tilth.active_learning import query_strategies
from tilth.active_learning.learner import Learner
from tilth.learn import new_probe

DIMENSIONS, LABELED, CLASSES, BATCH, FLOOR = 384, 500, 77, 100, 40
MILLION, SECONDS, MEMORY = 1_000_000, 60, 4096
BIG = ("batch", "uncertain_mass", "cluster_margin", "core_set")


def vectors(count: int, seed: int) -> np.ndarray:
    """Random directions, float32."""
    drawn = np.random.default_rng(seed).standard_normal(size=(count, DIMENSIONS), dtype=np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    return drawn


def learner_of(seed: int) -> Learner:
    """A probe taught on labels that a linear map gives, so that it has something to learn."""
    known = vectors(LABELED, seed)
    labels = (known @ vectors(CLASSES, seed + 1).T).argmax(axis=1)
    learner = Learner(estimator=new_probe(), query_strategy=query_strategies.get("batch"))
    learner.fit(known, labels)
    return learner


def against_modal(rows: int, seed: int) -> list[str]:
    """Seconds of both on the same pool, and whether the picks are the same."""
    learner, pool = learner_of(seed), vectors(rows, seed + 2)
    begun = time.perf_counter()
    ours, _ = query_strategies.get("batch")(learner, pool, n_instances=BATCH)
    middle = time.perf_counter()
    theirs = uncertainty_batch_sampling(learner, pool, n_instances=BATCH)
    ended = time.perf_counter()
    same = ours.tolist() == np.asarray(theirs[0] if isinstance(theirs, tuple) else theirs).tolist()
    times = (ended - middle) / (middle - begun)
    assert same, "the picks differ"
    assert times >= FLOOR, f"{times:.0f} times as fast; expected {FLOOR}"
    return [
        f"{rows:,}",
        "batch",
        f"{middle - begun:.2f}",
        f"{ended - middle:.1f}",
        f"{times:.0f}",
        "the same, in order",
    ]


def from_a_million(name: str) -> list[str]:
    """Seconds of a batch, and the process's memory at its highest."""
    learner, pool = learner_of(0), vectors(MILLION, 2)
    begun = time.perf_counter()
    query_strategies.get(name)(learner, pool, n_instances=BATCH)
    seconds, memory = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    assert seconds <= SECONDS, f"{name}: {seconds:.0f} s; expected {SECONDS}"
    assert memory <= MEMORY, f"{name}: {memory:.0f} MiB; expected {MEMORY}"
    return [f"{MILLION:,}", name, f"{seconds:.1f}", "", "", f"{memory:.0f} MiB at most, the vectors' 1,465 among them"]


def main() -> None:
    """Run, print the table, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--million", action="store_true", help="batches from a million rows too")
    arguments = parser.parse_args()
    with threadpool_limits(limits=1):
        lines = [against_modal(arguments.rows, seed) for seed in (0, 10, 20)]
        lines += [from_a_million(name) for name in BIG] if arguments.million else []
    option = " --million" if arguments.million else ""
    columns = ("rows", "strategy", "tilth, s", "modAL, s", "times as fast", "")
    _results.write(
        "ranked_batch",
        "# A batch of 100 rows, against modAL and from a million rows\n\n"
        f"`python benchmarks/ranked_batch.py{option}` ({_results.machine()})\n\n"
        f"One thread, random vectors of {DIMENSIONS} dimensions, {LABELED} labeled of {CLASSES} classes; three draws "
        "against modAL's `uncertainty_batch_sampling`.\n\n" + _results.table(columns, lines),
    )


if __name__ == "__main__":
    main()
