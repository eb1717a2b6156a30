"""Nearest rows by an index: how many of the true ones are found, and the processor time, beside brute force.

    python benchmarks/neighbors.py --data data/public --rows 60000

The vectors are made of banking77's own (`_many_rows.py`). Brute force and each search are timed on 2,000 rows and
reckoned up to all rows; building an index is timed whole. One thread. usearch and pynndescent are measured where they
are installed (`pip install usearch pynndescent`). What stands in `results/neighbors.jsonl` is kept.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _results
import numpy as np
from _many_rows import made_rows, made_vectors
from threadpoolctl import threadpool_limits

from tilth.config import EncoderConfig
from tilth.learn import neighbors
from tilth.learn.encoder import Encoder
from tilth.learn.neighbors import neighbor_index
from tilth.store import Cache

FILE = _results.FOLDER / "neighbors.jsonl"
QUERIES, WIDE, NARROW = 2_000, 64, 10
COLUMNS = ("rows", "search", "CPU seconds to build", "to search all rows", "recall of 10", "recall of 64")


class Search:
    """Vectors, some of whose rows are queries, and the neighbors that these truly have."""

    def __init__(self, vectors: np.ndarray) -> None:
        self.vectors = vectors
        self.queries = np.sort(np.random.default_rng(0).permutation(len(vectors))[:QUERIES])
        started = time.process_time()
        self.true = neighbors.nearest(vectors, WIDE, self.queries).rows  # of so few rows by brute force
        self.exact_seconds = self.for_all(time.process_time() - started)

    def for_all(self, seconds: float) -> float:
        """From the seconds of the queries to those of all rows."""
        return seconds * len(self.vectors) / len(self.queries)

    def cell(self, name: str, build: Callable[[], Any], search: Callable[[Any], np.ndarray]) -> dict[str, Any]:
        """Build an index and search it; `search` gives positions, the row itself among them or not."""
        started = time.process_time()
        index = build()
        built = time.process_time()
        found = search(index)
        seconds = self.for_all(time.process_time() - built)
        return self.line(name, built - started, seconds, found)

    def line(self, name: str, build: float, seconds: float, found: np.ndarray) -> dict[str, Any]:
        """A cell of the table."""
        others = [[one for one in line if one != row] for line, row in zip(found.tolist(), self.queries, strict=True)]
        recall = {
            k: float(
                np.mean([len({*mine[:k]} & {*true[:k]}) / k for mine, true in zip(others, self.true, strict=True)])
            )
            for k in (NARROW, WIDE)
        }
        return {
            "rows": len(self.vectors),
            "name": name,
            "build": build,
            "search": seconds,
            **{f"r{k}": v for k, v in recall.items()},
        }


def by_cells(at: Search) -> dict[str, Any]:
    """tilth's own way, by faiss."""

    def search(centers: np.ndarray) -> np.ndarray:
        return neighbor_index.CellIndex(at.vectors, centers).search(WIDE, at.queries)[0]

    started = time.process_time()  # the rows are added in the search, once for all queries
    centers = neighbor_index.fit_centers(at.vectors)
    neighbor_index.CellIndex(at.vectors, centers).search(1, at.queries[:1])
    built = time.process_time() - started
    again = time.process_time()
    neighbor_index.CellIndex(at.vectors, centers).search(1, at.queries[:1])
    adding = time.process_time() - again
    started = time.process_time()
    found = search(centers)
    return at.line(
        "cells (faiss, IVF-Flat, 16 cells)", built, at.for_all(time.process_time() - started - adding), found
    )


def by_usearch(at: Search) -> dict[str, Any]:
    """HNSW in half precision."""
    index = importlib.import_module("usearch.index")

    def build() -> Any:
        made = index.Index(
            ndim=at.vectors.shape[1], metric="ip", dtype="f16", connectivity=16, expansion_add=64, expansion_search=128
        )
        made.add(np.arange(len(at.vectors)), at.vectors, threads=1)
        return made

    def search(made: Any) -> np.ndarray:
        return np.asarray(made.search(at.vectors[at.queries], WIDE + 1, threads=1).keys).astype(np.int64)

    return at.cell("HNSW (usearch, f16)", build, search)


def by_descent(at: Search) -> dict[str, Any]:
    """Nearest neighbor descent, which builds the graph of all rows as a whole."""
    pynndescent = importlib.import_module("pynndescent")
    pynndescent.NNDescent(at.vectors[:2_000], metric="dot", n_neighbors=WIDE + 1, random_state=0, n_jobs=1)  # compiles

    def build() -> np.ndarray:
        made = pynndescent.NNDescent(at.vectors, metric="dot", n_neighbors=WIDE + 1, random_state=0, n_jobs=1)
        return np.asarray(made.neighbor_graph[0])

    return at.cell("nearest neighbor descent (pynndescent)", build, lambda graph: graph[at.queries])


WAYS = {"cells": by_cells, "usearch": by_usearch, "pynndescent": by_descent}


def measured() -> list[dict[str, Any]]:
    """The cells so far."""
    return [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()] if FILE.exists() else []


def write() -> None:
    """The table of all cells."""
    lines = [
        [
            f"{one['rows']:,}",
            one["name"],
            f"{one['build']:.0f}",
            f"{one['search']:.0f}",
            f"{one['r10']:.3f}",
            f"{one['r64']:.3f}",
        ]
        for one in sorted(measured(), key=lambda one: (one["rows"], one["search"]))
    ]
    missing = [name for name in WAYS if name != "cells" and not importlib.util.find_spec(name)]
    _results.write(
        "neighbors",
        "# Nearest rows by an index\n\n"
        f"`python benchmarks/neighbors.py` ({_results.machine()})\n\n"
        "Vectors made of banking77's own: the mean of two of one class, and a random part (`_many_rows.py`). One "
        "thread, seconds of processor; a search is timed on 2,000 rows and reckoned up to all.\n\n"
        + _results.table(COLUMNS, lines)
        + (f"\n\nNot run, for it was not installed: {', '.join(missing)}." if missing else ""),
    )


def main() -> None:
    """Measure what is not measured yet, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/public"))
    parser.add_argument("--rows", type=int, nargs="+", default=[60_000])
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--cache", type=Path, default=Path("data/cache"), help="keeps banking77's vectors")
    arguments = parser.parse_args()
    for count in arguments.rows:
        rows = made_rows(arguments.data, count)
        own = Encoder(EncoderConfig(), Cache(arguments.cache)).encode(rows.texts[: rows.own])
        with threadpool_limits(limits=1):
            at = Search(made_vectors(own, rows.parents))
            cells = [{"rows": count, "name": "brute force", "build": 0, "search": at.exact_seconds, "r10": 1, "r64": 1}]
            for name in arguments.ways:
                if name == "cells" or importlib.util.find_spec(name):
                    cells.append(WAYS[name](at))
        done = {(one["rows"], one["name"]) for one in measured()}
        with FILE.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(one) + "\n" for one in cells if (one["rows"], one["name"]) not in done)
    write()


if __name__ == "__main__":
    main()
