"""`tilth lf`: see, check, read, start and find labeling functions."""

from __future__ import annotations

import keyword
from typing import TYPE_CHECKING

from cyclopts import App

from tilth.cli import desk as desks
from tilth.cli import options
from tilth.cli.terminal import say
from tilth.errors import RequestError, did_you_mean

if TYPE_CHECKING:
    import numpy as np

    from tilth.samples import Task
    from tilth.weak_supervision import Config
    from tilth.weak_supervision.ballots import Ballot
    from tilth.weak_supervision.loader import LoadedFunction

WIDTH = 110
"""Characters of a text that a line shows."""


lf = App(name="lf", help="Labeling functions: list, check, votes, new, suggest.")


@lf.command(name="list")
def show(*, config: options.Config = None) -> int:
    """What there is, and what is left out and why.

    For example:

        tilth lf list
    """
    from tilth.weak_supervision.examples import examples_of

    desk = desks.at(config)
    for one in desk.loaded.functions:
        own = examples_of(one.function)
        kept = "" if one.key else ", asked anew each night"
        say(f"{one.task}.{one.name:<28} {one.where}, {len(own.hits)} hits and {len(own.misses)} misses{kept}")
    _say_problems(desk)
    if not desk.loaded.functions:
        say(f"no labeling function in {desk.workspace.labeling_functions}; start one: tilth lf new NAME")
    return 0


def _say_problems(desk: desks.Desk) -> None:
    for problem in desk.loaded.problems:
        say(f"left out: {problem.where}: {problem.why}")
    for remark in desk.loaded.remarks:
        say(f"note: {remark.where}: {remark.why}")


@lf.command
def check(*names: str, config: options.Config = None) -> int:
    """Imports, examples, time, coverage, accuracy; status 1 if one could not be used in a night as it stands.

    For example:

        tilth lf check
        tilth lf check refund_words intent.slow_words

    Args:
        names: functions, or task.function (default: all)
    """
    desk = desks.at(config)
    functions = [_named(desk, name) for name in names] or list(desk.loaded.functions)
    failed = 0 if names else len(desk.loaded.problems)
    for ballot in desk.cast(functions, desk.free, cached=False):
        task = next(task for task in desk.tasks if task.name == ballot.function.task)
        line, good = _verdict(ballot, task.codes(desk.free[task.name]), desk.config)
        say(f"{'ok      ' if good else 'FAILED  '} {task.name}.{ballot.function.name:<28} {line}")
        failed += not good
    _say_problems(desk)
    say(f"{failed} failed" if failed else f"{len(functions)} labeling functions are fit for the night")
    return 1 if failed else 0


def _verdict(ballot: Ballot, truth: np.ndarray, config: Config) -> tuple[str, bool]:
    """One line on how a function did on the input's rows, and whether a night would use it."""
    from tilth.weak_supervision.shares import below

    remark = f"; {ballot.remark}" if ballot.remark else ""
    if ballot.error:
        return f"{ballot.error}{remark}", False
    voted = ballot.column >= 0
    told = voted & (truth >= 0)
    line, good = f"votes on {voted.mean():.1%} of {len(voted)} rows", True
    if told.any():
        right, measured = int((ballot.column[told] == truth[told]).sum()), int(told.sum())
        line += f", right on {right} of {measured} labeled ones"
        if measured >= config.min_measured and below(right, measured, config.min_accuracy):
            line, good = f"{line}: below min_accuracy = {config.min_accuracy}", False
    return f"{line}, {ballot.seconds:.2f} s{remark}", good


def _named(desk: desks.Desk, name: str) -> LoadedFunction:
    names = {f"{one.task}.{one.name}": one for one in desk.loaded.functions}
    found = [one for full, one in names.items() if name in (full, one.name)]
    if len(found) == 1:
        return found[0]
    for problem in desk.loaded.problems:
        if name in problem.where:
            raise RequestError(f"{problem.where} is left out: {problem.why}")
    if found:
        raise RequestError(f"{name} is a function of several tasks; name one of {', '.join(sorted(names))}")
    short = {one.name for one in desk.loaded.functions}
    raise RequestError(f'there is no labeling function "{name}"; {did_you_mean(name, short)}')


@lf.command
def votes(name: str, /, *, rows: int = 10, config: options.Config = None) -> int:
    """The rows that a function labels, and those it gets wrong.

    For example:

        tilth lf votes refund_words --rows 20

    Args:
        name: a function, or task.function
        rows: rows of each kind to show
    """
    if rows < 0:
        raise RequestError(f"--rows {rows}: at least 0")
    desk = desks.at(config)
    function = _named(desk, name)
    task = desk.task(function.task)
    ballot, on_gold = (desk.cast([function], frame, cached=True)[0] for frame in (desk.free, desk.gold))
    if ballot.error:
        raise RequestError(f"{task.name}.{function.name} would be left out: {ballot.error}")
    truth, cast = task.codes(desk.free[task.name]), ballot.column
    wrong = (cast >= 0) & (truth >= 0) & (cast != truth)
    rest = (cast >= 0) & ~wrong
    ids, texts = desk.free["id"].tolist(), desk.free["text"].tolist()
    say(f"{task.name}.{function.name} ({function.where}): {_verdict(ballot, truth, desk.config)[0]}")
    for title, found in (("wrong", wrong), ("right, or without a label to go by", rest)):
        say(f"\n{title}: {found.sum()}")
        for row in found.nonzero()[0][:rows].tolist():
            given = task.labels[truth[row]] if truth[row] >= 0 else "no label"
            say(f"  {ids[row]}  {task.labels[cast[row]]} ({given})  {' '.join(texts[row].split())[:WIDTH]}")
    if len(desk.gold) and not on_gold.error:
        truth, cast = task.codes(desk.gold[task.name]), on_gold.column
        told = (cast >= 0) & (truth >= 0)
        say(f"\ngold: votes on {(cast >= 0).sum()} of {len(cast)} rows, right on {(cast[told] == truth[told]).sum()}")
    return 0


@lf.command
def new(name: str, /, *, label: str | None = None, task: options.TaskName = None, config: options.Config = None) -> int:
    """Start a file with one function, examples and all.

    For example:

        tilth lf new refund_words --label refund

    Args:
        name: of the file and its function
        label: what it votes for (default: the one with most to gain)
    """
    from tilth.weak_supervision import scaffold

    desk = desks.at(config)
    of = desk.task(task)
    _check_label(label, of)
    if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
        raise RequestError(f'"{name}" names no function; use letters, digits and _, and begin with a letter')
    path = desk.workspace.labeling_functions / f"{name}.py"
    if path.exists():
        raise RequestError(f"{path} is there already; choose another name")
    texts, codes = desk.free["text"].tolist(), of.codes(desk.free[of.name])
    source = scaffold.file(name, of, label, texts, codes)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
    say(f"{path}\nnext: edit it, then tilth lf check {name}")
    return 0


@lf.command
def suggest(
    *,
    label: str | None = None,
    precision: float = 0.9,
    task: options.TaskName = None,
    config: options.Config = None,
) -> int:
    """Phrases that give a label away, as functions ready to paste: standard output is a file of them.

    For example:

        tilth lf suggest > labeling_functions/mined.py
        tilth lf suggest --label refund --precision 0.95

    Args:
        label: for this label alone
        precision: share of labeled rows to be right on
    """
    import numpy as np

    from tilth.weak_supervision import mining

    if not 0 < precision <= 1:
        raise RequestError(f"--precision {precision}: more than 0 and at most 1")
    desk = desks.at(config)
    of = desk.task(task)
    _check_label(label, of)
    texts, codes = desk.free["text"].tolist(), of.codes(desk.free[of.name])
    own = [one for one in desk.loaded.functions if one.task == of.name]
    ballots = desk.cast(own, desk.free, cached=True)
    covered = np.zeros(len(texts), dtype=bool)
    for ballot in ballots:
        if not ballot.error:
            covered |= ballot.column >= 0
    found = mining.suggest(texts, codes, of, covered, precision=precision)
    found = [one for one in found if label in (None, one.label)]
    if not found:
        raise RequestError("no phrase is right often enough in enough labeled rows; label more, or lower --precision")
    names: list[str] = []
    for one in found:
        names.append(mining.name_for(one.label, names))
    parts = [
        mining.write(one, texts, codes, of.labels.index(one.label), name)
        for one, name in zip(found, names, strict=True)
    ]
    say((mining.HEADER.format(task=of.name) + "".join(parts)).rstrip())
    return 0


def _check_label(label: str | None, task: Task) -> None:
    if label is not None and label not in task.labels:
        raise RequestError(f"--label {label}: task {task.name} has no such label; {did_you_mean(label, task.labels)}")
