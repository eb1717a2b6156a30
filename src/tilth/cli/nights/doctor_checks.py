"""The checks of `tilth doctor`, each of one thing that a night needs.

To add a check, write a function with `@check("its name")`; it returns a `Finding`, or None to say nothing.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tilth.cli.nights.flow_process import why_no_server
from tilth.errors import TilthError

if TYPE_CHECKING:
    from tilth.config import Settings
    from tilth.store import Workspace

State = Literal["ok", "optional", "missing"]

ROOM = 2.0
"""Gigabytes that a night on some ten thousand rows may want: its tables, its cache and its model."""

PATIENCE = 3.0
"""Seconds to wait for an answer from a network."""

WATCHED = ("prefect", "fastapi", "sqlalchemy")
"""Libraries whose newer versions are known to break a night; pyproject.toml says why."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a check found: the state of a thing, in words, and the command that would change it."""

    state: State
    found: str
    fix: str = ""


@dataclass(frozen=True)
class Place:
    """What is looked at: a workspace, and its config, or why there is none."""

    workspace: Workspace
    settings: Settings | None
    config_error: str


Check = Callable[[Place], Finding | None]

CHECKS: dict[str, Check] = {}
"""Every check by its name, in the order in which they are shown."""


def check(name: str) -> Callable[[Check], Check]:
    """Register a check under the name that a person sees."""

    def add(function: Check) -> Check:
        CHECKS[name] = function
        return function

    return add


@check("python")
def _python(_: Place) -> Finding:
    return Finding(state="ok", found=f"{platform.python_version()} ({sys.executable})")


@check("tilth")
def _tilth(_: Place) -> Finding:
    return Finding(state="ok", found=f"{importlib.metadata.version('tilth')} ({Path(__file__).parents[2]})")


@check("libraries")
def _libraries(_: Place) -> Finding:
    """Whether each library is installed in a version that tilth says it works with."""
    from packaging.requirements import Requirement

    wanted = [Requirement(text) for text in importlib.metadata.requires("tilth") or ()]
    wanted = [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    installed: dict[str, str] = {}
    for one in wanted:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            installed[one.name] = importlib.metadata.version(one.name)
    wrong = [
        one
        for one in wanted
        if one.name not in installed or not one.specifier.contains(installed[one.name], prereleases=True)
    ]
    if not wrong:
        versions = ", ".join(f"{name} {installed[name]}" for name in WATCHED if name in installed)
        return Finding(state="ok", found=f"all {len(wanted)} in range ({versions})")
    problems = [f"{one.name} {installed.get(one.name, 'is not installed')}, expected {one.specifier}" for one in wrong]
    names = " ".join(f"'{one.name}{one.specifier}'" for one in wrong)
    return Finding(state="missing", found=", ".join(problems), fix=f"{sys.executable} -m pip install {names}")


@check("torch")
def _torch(_: Place) -> Finding | None:
    """Which accelerator there is; that torch is there at all is among the libraries."""
    if importlib.util.find_spec("torch") is None:
        return None
    import torch

    if torch.cuda.is_available():
        devices = ", ".join(torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count()))
        return Finding(state="ok", found=f"{torch.__version__}, CUDA: {devices}")
    mps = torch.backends.mps.is_available()
    return Finding(state="ok", found=f"{torch.__version__}, {'MPS' if mps else 'no accelerator, which no night needs'}")


@check("processor")
def _processor(_: Place) -> Finding | None:
    """What the processor computes in; without bfloat16, training and adaptation are slower."""
    if importlib.util.find_spec("torch") is None:
        return None
    import torch

    from tilth.devices import computes_in_bfloat16

    half = "computes in bfloat16" if computes_in_bfloat16() else "float32 alone, for it has no bfloat16 of its own"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Finding(state="ok", found=f"{cores} cores, {torch.backends.cpu.get_cpu_capability()}; {half}")


@check("encoder")
def _encoder(place: Place) -> Finding:
    from tilth.learn.encoder import resolve_model

    name = place.settings.encoder.model if place.settings else "default"
    try:
        return Finding(state="ok", found=f'"{name}": {resolve_model(name)}')
    except (TilthError, ImportError) as error:
        return Finding(state="missing", found=str(error), fix='tilth run --set encoder.model="default"')


@check("link-grammar")
def _link_grammar(_: Place) -> Finding:
    from tilth.augmentation import link_grammar_version

    if version := link_grammar_version():
        return Finding(state="ok", found=version)
    return Finding(
        state="optional",
        found="not installed; grammar is checked without it, and the column `frame` stays empty",
        fix="apt-get install liblink-grammar5 link-grammar-dictionaries-en",
    )


@check("hub")
def _hub(place: Place) -> Finding:
    """Whether models and data sets of the Hugging Face Hub are to be had; nothing needs them as tilth comes."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return Finding(state="optional", found="offline, as HF_HUB_OFFLINE says", fix="unset HF_HUB_OFFLINE")
    if why := _why_silent(constants.ENDPOINT):
        state = f"{constants.ENDPOINT} does not answer ({why}); only hf:… inputs and models by Hub name need it"
        return Finding(state="optional", found=state)
    return Finding(state="ok", found=f"{constants.ENDPOINT} answers")


@check("prefect server")
def _prefect(_: Place) -> Finding | None:
    """Whether the server answers that the environment names; without one a night sees to itself."""
    address = os.environ.get("PREFECT_API_URL")
    if address is None:
        return None
    if why := why_no_server(address):
        state = f"PREFECT_API_URL={address}: no Prefect server answers there ({why})"
        return Finding(state="missing", found=state, fix="unset PREFECT_API_URL")
    return Finding(state="ok", found=f"{address} answers")


@check("engine")
def _engine(place: Place) -> Finding | None:
    """Whether the workers that the config asks for are to be had."""
    if place.settings is None or place.settings.engine.runner is None:
        return None
    from tilth.engine import check_engine

    config = place.settings.engine
    try:
        check_engine(config)
    except TilthError as error:
        return Finding(state="missing", found=str(error), fix="take [engine] out of tilth.toml")
    there = config.address or f"workers of this machine: {config.workers or 'one a core'}"
    return Finding(state="ok", found=f"{config.runner}, {there}")


@check("workspace")
def _workspace(place: Place) -> Finding:
    if place.config_error:
        return Finding(state="missing", found=place.config_error, fix="tilth config shows every key with its meaning")
    if place.workspace.config is None:
        state = f"{place.workspace.root} is in none; `tilth run --input FILE --label COLUMN` works without"
        return Finding(state="optional", found=state, fix="tilth init DIR")
    return Finding(state="ok", found=str(place.workspace.config))


@check("disk")
def _disk(place: Place) -> Finding:
    folder = _first_there(place.workspace.data)
    free = shutil.disk_usage(folder).free / 1e9
    if not os.access(folder, os.W_OK):
        return Finding(state="missing", found=f"{folder} cannot be written to", fix=f"chmod u+w {folder}")
    if free < ROOM:
        return Finding(state="missing", found=f"{free:.1f} GB free at {folder}, {ROOM} wanted", fix="tilth clean")
    return Finding(state="ok", found=f"{free:.1f} GB free at {folder}")


@check("lock")
def _lock(place: Place) -> Finding:
    from filelock import FileLock, Timeout

    path = place.workspace.data / ".lock"
    if path.exists():
        try:
            FileLock(path, timeout=0).acquire().lock.release()
        except Timeout:
            return Finding(state="optional", found=f"a night is at work here, and a second would not start ({path})")
    return Finding(state="ok", found="no night is at work here")


def _first_there(folder: Path) -> Path:
    """The folder, or what of the path to it is there."""
    return next(path for path in (folder, *folder.parents) if path.is_dir())


def _why_silent(address: str) -> str:
    """Why an address gives no answer at all; "" where it does, whatever the answer."""
    try:
        urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=PATIENCE).close()
    except urllib.error.HTTPError:
        return ""
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error))
    return ""
