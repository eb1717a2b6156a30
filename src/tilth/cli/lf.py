"""`tilth lf`: see, check, read, start and find labeling functions."""

from __future__ import annotations

import argparse
import keyword
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.cli import desk as desks
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


def add(added: Any) -> None:
    """Register the command."""
    group = added.add_parser("lf", help="labeling functions: list, check, votes, new, suggest")
    commands = group.add_subparsers(metavar="COMMAND", required=True)
    listed = commands.add_parser("list", help="what there is, and what is left out and why")
    listed.set_defaults(do=show)
    checked = commands.add_parser("check", help="imports, examples, time, coverage, accuracy; status 1 if one fails")
    checked.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    checked.set_defaults(do=check)
    read = commands.add_parser("votes", help="the rows that a function labels, and those it gets wrong")
    read.add_argument("name", metavar="NAME", help="a function, or task.function")
    read.add_argument("--rows", type=int, default=10, help="rows of each kind to show (default: 10)")
    read.set_defaults(do=votes)
    made = commands.add_parser("new", help="start a file with one function, examples and all")
    made.add_argument("name", metavar="NAME", help="of the file and its function")
    made.add_argument("--label", help="what it votes for (default: the one with most to gain)")
    made.set_defaults(do=new)
    mined = commands.add_parser("suggest", help="phrases that give a label away, as functions ready to paste")
    mined.add_argument("--label", help="for this label alone")
    mined.add_argument("--precision", type=float, default=0.9, help="share of labeled rows to be right on (0.9)")
    mined.set_defaults(do=suggest)
    for command in (listed, checked, read, made, mined):
        command.add_argument("-c", "--config", type=Path, help="tilth.toml (default: the one here or above)")
    for command in (made, mined):
        command.add_argument("--task", help="default: the last one, which is the finest")


def show(options: argparse.Namespace) -> int:
    """`tilth lf list`."""
    from tilth.weak_supervision.examples import examples_of

    desk = desks.at(options.config)
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


def check(options: argparse.Namespace) -> int:
    """`tilth lf check`: status 1 where a function could not be used in a night as it stands."""
    desk = desks.at(options.config)
    functions = [_named(desk, name) for name in options.names] or list(desk.loaded.functions)
    failed = 0 if options.names else len(desk.loaded.problems)
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

    if ballot.error:
        return ballot.error, False
    voted = ballot.column >= 0
    told = voted & (truth >= 0)
    line, good = f"votes on {voted.mean():.1%} of {len(voted)} rows", True
    if told.any():
        right, measured = int((ballot.column[told] == truth[told]).sum()), int(told.sum())
        line += f", right on {right} of {measured} labeled ones"
        if measured >= config.min_measured and below(right, measured, config.min_accuracy):
            line, good = f"{line}: below min_accuracy = {config.min_accuracy}", False
    remark = f"; {ballot.remark}" if ballot.remark else ""
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


def votes(options: argparse.Namespace) -> int:
    """`tilth lf votes NAME`."""
    if options.rows < 0:
        raise RequestError(f"--rows {options.rows}: at least 0")
    desk = desks.at(options.config)
    function = _named(desk, options.name)
    task = desk.task(function.task)
    ballot, on_gold = (desk.cast([function], frame, cached=True)[0] for frame in (desk.free, desk.gold))
    if ballot.error:
        raise RequestError(f"{task.name}.{function.name} would be left out: {ballot.error}")
    truth, cast = task.codes(desk.free[task.name]), ballot.column
    wrong = (cast >= 0) & (truth >= 0) & (cast != truth)
    rest = (cast >= 0) & ~wrong
    ids, texts = desk.free["id"].tolist(), desk.free["text"].tolist()
    say(f"{task.name}.{function.name} ({function.where}): {_verdict(ballot, truth, desk.config)[0]}")
    for title, rows in (("wrong", wrong), ("right, or without a label to go by", rest)):
        say(f"\n{title}: {rows.sum()}")
        for row in rows.nonzero()[0][: options.rows].tolist():
            given = task.labels[truth[row]] if truth[row] >= 0 else "no label"
            say(f"  {ids[row]}  {task.labels[cast[row]]} ({given})  {' '.join(texts[row].split())[:WIDTH]}")
    if len(desk.gold) and not on_gold.error:
        truth, cast = task.codes(desk.gold[task.name]), on_gold.column
        told = (cast >= 0) & (truth >= 0)
        say(f"\ngold: votes on {(cast >= 0).sum()} of {len(cast)} rows, right on {(cast[told] == truth[told]).sum()}")
    return 0


def new(options: argparse.Namespace) -> int:
    """`tilth lf new NAME`."""
    from tilth.weak_supervision import scaffold

    desk = desks.at(options.config)
    task = desk.task(options.task)
    _check_label(options.label, task)
    if not options.name.isidentifier() or keyword.iskeyword(options.name) or options.name.startswith("_"):
        raise RequestError(f'"{options.name}" names no function; use letters, digits and _, and begin with a letter')
    path = desk.workspace.labeling_functions / f"{options.name}.py"
    if path.exists():
        raise RequestError(f"{path} is there already; choose another name")
    texts, codes = desk.free["text"].tolist(), task.codes(desk.free[task.name])
    source = scaffold.file(options.name, task, options.label, texts, codes)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
    say(f"{path}\nnext: edit it, then tilth lf check {options.name}")
    return 0


def suggest(options: argparse.Namespace) -> int:
    """`tilth lf suggest`: standard output is a file of labeling functions."""
    import numpy as np

    from tilth.weak_supervision import mining

    if not 0 < options.precision <= 1:
        raise RequestError(f"--precision {options.precision}: more than 0 and at most 1")
    desk = desks.at(options.config)
    task = desk.task(options.task)
    _check_label(options.label, task)
    texts, codes = desk.free["text"].tolist(), task.codes(desk.free[task.name])
    own = [one for one in desk.loaded.functions if one.task == task.name]
    ballots = desk.cast(own, desk.free, cached=True)
    covered = np.zeros(len(texts), dtype=bool)
    for ballot in ballots:
        if not ballot.error:
            covered |= ballot.column >= 0
    found = mining.suggest(texts, codes, task, covered, precision=options.precision)
    found = [one for one in found if options.label in (None, one.label)]
    if not found:
        raise RequestError("no phrase is right often enough in enough labeled rows; label more, or lower --precision")
    names: list[str] = []
    for one in found:
        names.append(mining.name_for(one.label, names))
    parts = [
        mining.write(one, texts, codes, task.labels.index(one.label), name)
        for one, name in zip(found, names, strict=True)
    ]
    say((mining.HEADER.format(task=task.name) + "".join(parts)).rstrip())
    return 0


def _check_label(label: str | None, task: Task) -> None:
    if label is not None and label not in task.labels:
        raise RequestError(f"--label {label}: task {task.name} has no such label; {did_you_mean(label, task.labels)}")
