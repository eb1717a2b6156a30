"""Each stage as a flow of its own, for a deployment that runs one stage, from the table that the newest run has.

A run of one stage is a partial night: it is recorded and has its report, and is never promoted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # a worker finds this file by its path

from prefect import Flow, flow

import engine
import keeper
import nightly
import stages
from tilth import night, stage
from tilth.cli import terminal


def _flow(name: str, perform: Callable[[str], str]) -> Flow[[], str]:
    @flow(name=name.replace("_", "-"), description=f"The stage {name} alone, of the workspace that is served")
    def one_stage() -> str:
        terminal.quiet()
        keeper.end_with(keeper.parent_is_gone)
        workspace = nightly.served_workspace()
        with workspace.lock():
            start = name if name != stage.NAMES[0] else None
            run = str(night.begin(night.Request(workspace=workspace, stages=(name,), start=start)).path)
            with stages.recorded(run), engine.running(run):
                return str(stages.close_night(perform(run)))

    return one_stage


cleaning = _flow("cleaning", stages.cleaning)
weak_supervision = _flow("weak_supervision", stages.weak_supervision)
augmentation = _flow("augmentation", stages.augmentation)
active_learning = _flow("active_learning", stages.active_learning)
training = _flow("training", stages.training)
