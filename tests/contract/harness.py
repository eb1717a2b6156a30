"""Run one stage on a small table, watch what it does meanwhile, and name the rules of the contract that it broke.

`stage.perform` checks what a stage hands back. What a stage does beside that can be seen from outside alone, while it
runs; that is what `Observed` holds and `RULES` judge.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import random
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from snorkel.labeling import LabelingFunction

from tests.small_table import TASKS, HashingEncoder
from tests.tiny_denoiser import tiny_denoiser
from tilth import stage as stages
from tilth.learn.shared_features import Evidence
from tilth.store import Cache, digest, digest_table
from tilth.weak_supervision.functions.loader import LoadedFunction

# What keeps a stage quick here; a stage that is not named runs by its defaults.
QUICK: dict[str, dict[str, Any]] = {
    "augmentation": {
        "sources": 3,
        "candidates": 2,
        "inference_steps": 2,
        "grammar": "denoiser",
        "max_heldout_loss": 50.0,
        "adapt": {"steps": 1, "low": 0.2},
    }
}


def function(name: str, term: str, label: str) -> LoadedFunction:
    voter = LabelingFunction(name, lambda x: label if term in x.text else -1)
    return LoadedFunction(task="intent", name=name, function=voter, fingerprint=name)


FUNCTIONS = (
    function("refunds", "refund", "refund"),
    function("slowness", "slow", "slow"),
    function("red", "red light", "outage"),
)


def prepared(samples: Dataset, folder: Path) -> stages.Resources:
    (folder / "scratch").mkdir(parents=True)
    evidence = Evidence(samples, encoder=HashingEncoder(), cache=Cache(folder / "cache"))  # type: ignore[arg-type]
    return stages.Resources(
        tasks=TASKS, seed=0, evidence=evidence, scratch=folder / "scratch", labeling_functions=FUNCTIONS
    )


def settings_of(name: str, **config: Any) -> Any:
    """A quick config of a stage, augmentation's with a denoiser of one layer."""
    denoiser = {"denoiser": tiny_denoiser()} if name == "augmentation" else {}
    return stages.get(name).Config(**{**denoiser, **QUICK.get(name, {}), **config})


def perform(name: str, samples: Dataset, folder: Path, **config: Any) -> stages.StageResult:
    settings = settings_of(name, **config)
    return stages.perform(name, samples, settings, prepared(samples, folder))


@dataclass(frozen=True)
class Observed:
    """What a stage handed back, and what was seen of it meanwhile."""

    result: stages.StageResult
    input: tuple[str, str]
    """Digests of what it was handed, before and after."""
    state: tuple[str, str]
    """Digests of the process's random state, before and after."""
    written: list[str]
    """Files outside of scratch that it wrote, moved or removed."""


def observe(name: str, samples: Dataset, folder: Path, seed: int) -> Observed:
    """Perform a stage in a process whose global random state is the given seed's."""
    resources = prepared(samples, folder)
    settings = settings_of(name)
    with _global_state(seed), contextlib.chdir(folder), _watched(folder) as written:
        handed, state = _digest_input(samples, resources), _random_state()
        result = stages.perform(name, samples, settings, resources)
        return Observed(result, (handed, _digest_input(samples, resources)), (state, _random_state()), written)


RULES: dict[str, Callable[[Observed, Observed], bool]] = {
    "the input is left as it was": lambda first, second: first.input[0] == first.input[1],
    "the same seed gives the same table": lambda first, second: (
        digest_table(first.result.samples) == digest_table(second.result.samples)
    ),
    "the global random state is left as it was": lambda first, second: first.state[0] == first.state[1],
    "nothing is written outside of scratch": lambda first, second: not first.written,
}


def broken_rules(name: str, samples: Dataset, folder: Path) -> list[str]:
    """The rules that a stage does not keep, seen in two runs that only the global random state tells apart."""
    pair = [observe(name, samples, folder / str(seed), seed) for seed in (1, 2)]
    return [rule for rule, kept in RULES.items() if not kept(*pair)]


def _digest_input(samples: Dataset, resources: stages.Resources) -> str:
    vectors = resources.evidence.embeddings()
    return digest(digest_table(samples), repr(samples.format), vectors.tobytes())


def _random_state() -> str:
    numpy = np.random.get_state()  # noqa: NPY002 - to see that it is left alone
    return digest(pickle.dumps((random.getstate(), numpy)), torch.get_rng_state().numpy().tobytes())


@contextlib.contextmanager
def _global_state(seed: int) -> Iterator[None]:
    before = random.getstate(), np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng(devices=[]):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        torch.manual_seed(seed)
        yield
    random.setstate(before[0])
    np.random.set_state(before[1])  # noqa: NPY002


_CHANGES = frozenset({"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate"})
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_LIBRARIES = re.compile(r"/__pycache__(/|$)|/torchinductor_[^/]*(/|$)")
_seen: list[Path] | None = None
"""Where the paths go that this process changes; None while nobody watches."""


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _seen is None or isinstance(arguments[0] if arguments else 0, int):
        return
    paths: tuple[Any, ...] = ()
    if event == "open" and arguments[2] & _WRITING:
        paths = arguments[:1]
    elif event in _CHANGES:
        paths = arguments[:2] if event in ("os.rename", "os.link", "os.symlink") else arguments[:1]
    for path in paths:
        absolute = Path(os.fsdecode(path)).absolute()
        # A folder that is there is not made again, and where one is opened to be written to the file has no name.
        if event not in ("open", "os.mkdir") or not absolute.is_dir():
            _seen.append(absolute)


sys.addaudithook(_hook)


@contextlib.contextmanager
def _watched(folder: Path) -> Iterator[list[str]]:
    """What is written meanwhile, anywhere by this process, and below the folder by whomever.

    The cache is no stage's: what stands there was written by the evidence that all stages share. Nor is what the
    interpreter and torch keep of the modules that they load.
    """
    global _seen  # noqa: PLW0603 - an audit hook can never be taken off again
    found: list[str] = []
    allowed = (folder / "scratch", folder / "cache", Path("/dev"), Path("/proc"))
    before = _tree(folder)
    _seen = []
    try:
        yield found
    finally:
        paths = {*_seen, *(_tree(folder) ^ before)}
        _seen = None
        found += sorted(
            str(path)
            for path in paths
            if not _LIBRARIES.search(str(path)) and not any(path.is_relative_to(root) for root in allowed)
        )


def _tree(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))
