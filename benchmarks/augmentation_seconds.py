"""What the augmentation stage costs where it draws, by today's code and by an earlier commit's: same rows, same seed.

    python benchmarks/augmentation_seconds.py --data data/public --cache data/benchmarks/embeddings

Of each data set five labels a class, of all its other train texts none; the stage runs by its defaults but
`when = "always"`, on one thread, vectors of all rows ready, nothing else cached. Each commit's own code and defaults
run, from a worktree beside; `HEAD` is the checkout as it stands. With `--share 0.1` a tenth of the sources and of the
steps by which the denoiser and the model of acceptability learn: what is left whole are the indexes of the table. A
finished cell (commit, data set, share, seed) stands in `--cells` and is not run again until it goes.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

COLUMNS = ("data set", "code", "CPU seconds", "share of the first code's", "sources", "candidates", "accepted",
           "CPU seconds an accepted one", "keep their label", "the denoiser learns", "it draws",
           "the model of acceptability learns", "candidates encoded", "read")  # fmt: skip
_PARTS = {
    "adapt_denoiser": 0, "generate": 1, "adapted_checker": 2, "measure_well_formedness": 4,
}  # fmt: skip
"""Functions of the stage, under these names in either code, and the part of the seconds that each takes."""
_MODULES = ("stage", "drawing", "generation", "gating", "quality.well_formedness", "quality", "selection.gate")
_ENCODED = 3
_ROOT = Path(__file__).resolve().parents[1]
Cell = dict[str, Any]


def _timed(function: Callable[..., Any], seconds: list[float], part: int, inside: list[int]) -> Callable[..., Any]:
    """The function, whose processor seconds go to a part, unless another part waits for it."""

    @functools.wraps(function)
    def called(*arguments: Any, **options: Any) -> Any:
        started = time.process_time()
        inside.append(part)
        try:
            return function(*arguments, **options)
        finally:
            inside.pop()
            if not inside:
                seconds[part] += time.process_time() - started

    return called


def _watch(seconds: list[float]) -> None:
    """Counts the seconds of the stage's parts, wherever a module holds one of the functions."""
    from tilth.learn.encoder import Encoder

    inside = list[int]()
    for module in _MODULES:
        try:
            found = importlib.import_module(f"tilth.augmentation.{module}")
        except ImportError:  # the other code has no such file
            continue
        for name, part in _PARTS.items():
            if name in vars(found):
                setattr(found, name, _timed(vars(found)[name], seconds, part, inside))
    Encoder.encode = _timed(Encoder.encode, seconds, _ENCODED, inside)  # type: ignore[method-assign]


def measure(name: str, seed: int, arguments: argparse.Namespace) -> Cell:
    """The stage's processor seconds, sources, candidates and accepted paraphrases, by the code that is importable."""
    from _augmenters import by_tilth, prepare

    from tilth.augmentation.config import Config
    from tilth.config import EncoderConfig
    from tilth.learn import new_probe
    from tilth.learn.encoder import Encoder
    from tilth.store import Cache

    plain, share = Config(when="always"), arguments.share
    learns = {part: math.ceil(share * getattr(plain.adapt, part)) for part in ("steps", "critic_steps")}
    config = plain.model_copy(
        update={"sources": math.ceil(share * plain.sources), "adapt": plain.adapt.model_copy(update=learns)}
    )
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        if arguments.cache is not None and arguments.cache.exists():  # a copy: what is encoded here is not to stay
            shutil.copytree(arguments.cache, home / "vectors")
        given = prepare(name, arguments.data, arguments.labels, seed)
        encoder, parts = Encoder(EncoderConfig(), Cache(home / "vectors")), [0.0] * 5
        encoder.encode(given.texts)
        _watch(parts)
        started = time.process_time()
        ours = by_tilth(given, config, encoder, Cache(home / "cache"), seed, home / "scratch")
        seconds = time.process_time() - started
        accepted = ours.rows[ours.rows["accepted"].astype(bool)]
        oracle = new_probe().fit(encoder.encode(given.texts), given.truth)
        alike = oracle.predict(encoder.encode(accepted["text"].tolist())) == given.truth[accepted["place"]]
    texts = [[given.texts[place], text] for place, text in zip(accepted["place"], accepted["text"], strict=True)]
    kept = {key: ours.metrics[key] for key in ("sources", "candidates", "accepted", "rejected", "heldout_loss")}
    return {"seconds": seconds, "parts": parts, "keeps": float(alike.mean()), "texts": texts, **kept}


@contextmanager
def tree_of(commit: str) -> Iterator[Path]:
    """A worktree of a commit, gone afterwards; the checkout itself for `HEAD`."""
    if commit == "HEAD":
        yield _ROOT
        return
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        subprocess.run(["git", "-C", _ROOT, "worktree", "add", "-q", "--detach", tree, commit], check=True)
        try:
            yield tree
        finally:
            subprocess.run(["git", "-C", _ROOT, "worktree", "remove", "--force", tree], check=True)


def run(commit: str, name: str, seed: int, arguments: argparse.Namespace) -> Cell:
    """A cell, from where it stands, or by a process of the commit's own code; empty where `--table` finds none."""
    file: Path = arguments.cells / f"{name}-{arguments.labels}-{arguments.share:g}-{seed}-{commit}.json"
    if not file.exists() and not arguments.table:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tree_of(commit) as tree:
            path = os.pathsep.join((str(tree / "src"), str(tree / "benchmarks")))
            # -P: the folder of this file, whose other modules are of today, is not to come first.
            command = [
                sys.executable, "-P", __file__, "--one", str(file.resolve()), "--sets", name, "--seeds", str(seed),
                "--labels", str(arguments.labels), "--share", str(arguments.share),
                "--data", str(arguments.data.resolve()),
                *(["--cache", str(arguments.cache.resolve())] if arguments.cache else []),
            ]  # fmt: skip
            subprocess.run(command, env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}, check=True)
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}


def _shown(values: Sequence[float]) -> str:
    low, middle, high = min(values), sorted(values)[len(values) // 2], max(values)
    return f"{middle:.4g}" if low == high else f"{middle:.4g} ({low:.4g} to {high:.4g})"


def line_of(name: str, commit: str, cells: Sequence[Cell], first: Sequence[Cell]) -> list[object]:
    """A line of the table: over the seeds the median, the smallest and the largest."""
    shares = [cell["seconds"] / before["seconds"] for cell, before in zip(cells, first, strict=True)]
    counts = [[cell[key] for cell in cells] for key in ("sources", "candidates", "accepted")]
    each = [cell["seconds"] / max(cell["accepted"], 1) for cell in cells]
    keeps = [cell["keeps"] for cell in cells]
    parts = [[cell["parts"][part] for cell in cells] for part in range(5)]
    return [name, commit, *map(_shown, ([cell["seconds"] for cell in cells], shares, *counts, each, keeps, *parts))]


def print_texts(commit: str, cells: Sequence[Cell], count: int) -> None:
    """So many accepted paraphrases of each cell, evenly spaced, beside their sources, for a person to read."""
    for cell in cells:
        texts = cell.get("texts", [])
        for source, text in texts[:: max(1, len(texts) // count)]:
            print(f"{commit}:  {source}  →  {text}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/public"))
    parser.add_argument("--cells", type=Path, default=Path("data/benchmarks/augmentation_seconds"))
    parser.add_argument("--cache", type=Path, help="a folder that holds vectors of the texts already")
    parser.add_argument("--sets", nargs="+", default=["banking77", "clinc150"])
    parser.add_argument("--commits", nargs="+", default=["a626917", "HEAD"])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--labels", type=int, default=5, help="labels a class")
    parser.add_argument("--share", type=float, default=1.0, help="of the sources and of the steps of learning")
    parser.add_argument("--show", type=int, default=0, help="accepted paraphrases to print of each cell")
    parser.add_argument("--table", action="store_true", help="write the page from the finished cells; run nothing")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    return parser


def main() -> None:
    """Run, print the table, and put it into its file of results."""
    arguments = _parser().parse_args()
    if arguments.one:
        cell = measure(arguments.sets[0], arguments.seeds, arguments)
        arguments.one.write_text(json.dumps(cell), encoding="utf-8")
        return
    import _results

    lines = list[list[object]]()
    for name in arguments.sets:
        ran = [[run(commit, name, seed, arguments) for seed in range(arguments.seeds)] for commit in arguments.commits]
        for commit, cells in zip(arguments.commits, ran, strict=True):
            if arguments.show:
                print_texts(commit, cells, arguments.show)
            if all(cells) and all(ran[0]):
                lines.append(line_of(name, commit, cells, ran[0]))
    _results.write(
        "augmentation_seconds",
        "# What the augmentation stage costs where it draws\n\n"
        f"`python benchmarks/augmentation_seconds.py --sets {' '.join(arguments.sets)} --commits "
        f"{' '.join(arguments.commits)} --seeds {arguments.seeds} --share {arguments.share:g}` "
        f"({_results.machine()})\n\n"
        f"{arguments.labels} labels a class, all other texts unlabeled; the stage by each code's own defaults, "
        f'but for sources and steps of learning times {arguments.share:g}, where it draws (`when = "always"`), on one '
        "thread, vectors of all rows ready. Over the seeds the median (smallest to largest). A label is kept where a "
        "probe of all labels gives the source's. Reading: all checkers and the pseudo-likelihood. HEAD is the code of "
        "this page.\n\n"
        "page.\n\n" + _results.table(COLUMNS, lines),
    )


if __name__ == "__main__":
    main()
