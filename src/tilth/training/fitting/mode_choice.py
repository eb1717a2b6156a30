"""Which mode a night trains by, for how many steps, and why."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from tilth.training.inputs import Config, TrainingSet
from tilth.training.modes import MODES

FEW = 12
"""Labels a class, at the median over classes, below which pairs of rows teach more than their classes."""
SMALL = 2000
"""Labels below which a night is to be quick: of sentfin, with 300 labels of one draw, the top layers give a gold
macro-F1 of 0.761 and all layers 0.764, in 39 and 62 CPU seconds, the encoder as it came 0.711; of the demo's intents,
with 1,266 labels, 0.677 and 0.679, in 82 and some 125."""
_FASTER, _PASSES = 2, 4
"""By so much fewer steps, each so much larger, top layers learn few labels as well, if they go over them four times:
with 300 and 400 labels of sentfin and of alike classes of banking77, six passes at twice the rate give a gold macro-F1
of 0.872 (mean of six draws, 80 CPU seconds), twelve of 0.871 (151), four at twice the rate of 0.870 (58)."""
_MANY = 4
"""By so much larger are the steps of top layers that see each of many labels once or twice: 333 steps of sentfin's
6,271 labels give a calibrated log-likelihood of 400 held-out rows of -0.408, at the rate as it is -0.482, and a gold
macro-F1 of 0.862 for 0.845; the encoder as it came has 0.840."""
_MENDED = 0.5
"""Share of the probe's errors that training mends, at most: a fifth of sentfin's, a quarter of banking77's."""
_ACCELERATED = 20
"""As many steps does an accelerator take in the time of one on a processor, at the least."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A mode, and what it is given.

    Attributes:
        mode: a name of `MODES`.
        steps: of training.
        why: in one sentence, for `run.json`.
        faster: by what the learning rate is multiplied.
    """

    mode: str
    steps: int
    why: str
    faster: float = 1.0


def choose_mode(config: Config, training_set: TrainingSet, *, trainable: bool, accelerated: bool) -> Choice:
    """The mode of the config; by `auto` what the labels, the hardware and the budget of steps allow.

    Args:
        config: `[training]`; `steps` is the budget, in steps of `full`.
        training_set: the rows that the encoder may learn from.
        trainable: whether the encoder has a model folder, and rows are held out to measure by.
        accelerated: whether it is trained on an accelerator.
    """
    labels = int(training_set.labeled.sum())
    if not trainable:
        return Choice(mode="probe", steps=0, why="no held-out row or no model folder")
    if config.mode != "auto":
        return Choice(mode=config.mode, steps=config.steps, why=f'{labels} labeled rows, mode = "{config.mode}"')
    budget = config.steps * (_ACCELERATED if accelerated else 1)
    if config.head != "linear" or config.processes > 1:
        return _within(budget, "full", f'{labels} labeled rows, head = "{config.head}", processes = {config.processes}')
    if (mended := _MENDED * _held_out_errors(training_set)) < 1:
        why = f"of {labels} labeled rows the encoder as it came leaves so few wrong that training it could mend "
        return Choice(mode="probe", steps=0, why=f"{why}{mended:.1f} of the held-out rows")
    few = _median_labels(training_set)
    if few < FEW:  # as many pairs as passes over the labels have: more make it worse
        most = math.ceil(config.passes * labels / config.batch_size)
        why = f"{labels} labeled rows, {few:.0f} a class at the median: fewer than {FEW}"
        return _within(budget, "contrastive", why, most)
    return _by_labels(budget, labels, config, accelerated)


def _by_labels(budget: int, labels: int, config: Config, accelerated: bool) -> Choice:
    """On a processor few labels are to be quick, and many would take long."""
    if accelerated:
        return _within(budget, "full", f"{labels} labeled rows, on an accelerator")
    if labels < SMALL:
        four_passes = math.ceil(_PASSES * labels / config.batch_size)
        most = min(config.steps, max(math.ceil(config.steps / _FASTER), four_passes))
        choice = _within(budget, "top", f"{labels} labeled rows, fewer than {SMALL}", most)
        return replace(choice, faster=config.steps / choice.steps)
    more = labels > config.max_tune_rows
    why = f"{labels} labeled rows, {'more' if more else 'no more'} than max_tune_rows = {config.max_tune_rows}"
    choice = _within(budget, "top" if more else "full", why)
    return replace(choice, faster=_MANY) if more else choice


def _within(budget: int, mode: str, why: str, most: int | None = None) -> Choice:
    steps = max(1, int(budget / MODES[mode].step_cost))
    steps = steps if most is None else min(steps, most)
    cost = math.ceil(steps * MODES[mode].step_cost)
    return Choice(mode=mode, steps=steps, why=f"{why}; {steps} steps cost what {cost} of all layers do")


def _held_out_errors(training_set: TrainingSet) -> float:
    """Held-out rows that the probe is expected to get wrong, summed over tasks, by its errors on all labeled rows."""
    expected = 0.0
    for task in training_set.tasks:
        found = training_set.out_of_fold[task.name]
        codes = training_set.codes[task.name]
        wrong = (found.predicted != codes)[found.labeled & (codes >= 0)]
        if len(wrong):
            expected += float(wrong.mean()) * int(training_set.measured(task).sum())
    return expected


def _median_labels(training_set: TrainingSet) -> float:
    """Labels a class, at the median over the classes of the task that has the most."""
    counts = [np.bincount(codes[codes >= 0]) for codes in training_set.codes.values()]
    return float(np.median(max(counts, key=len)))
