"""`tilth lf`: see, check, read, start and find labeling functions."""

from __future__ import annotations

import keyword
from typing import TYPE_CHECKING, Any

from cyclopts import App

from tilth.cli import options
from tilth.cli.terminal import say, say_json
from tilth.cli.workspace import WorkspaceData, open_workspace
from tilth.errors import RequestError, did_you_mean

if TYPE_CHECKING:
    import numpy as np

    from tilth.samples import Task
    from tilth.weak_supervision import LoadedFunction

WIDTH = 110
"""Characters of a text that a line shows."""

lf = App(name="lf", help="Labeling functions: list, check, votes, new, suggest.")


@lf.command(name="list")
def show(*, config: options.Config = None, as_json: options.Json = False) -> int:
    """What there is, and what is left out and why.

    For example:

        tilth lf list
    """
    from tilth.cli.labeling import lf_records as records

    data = open_workspace(config)
    listing = records.listed(data)
    if as_json:
        say_json(listing)
        return 0
    for one in listing["functions"]:
        not_cached = "" if one["cached"] else ", run anew each night"
        examples = f"{one['hits']} hits and {one['misses']} misses"
        say(f"{one['task']}.{one['name']:<28} {one['where']}, {examples}{not_cached}")
    _say_problems(listing)
    if not listing["functions"]:
        say(f"no labeling function in {data.workspace.labeling_functions}; start one: tilth lf new NAME")
    return 0


def _say_problems(record: dict[str, Any]) -> None:
    for problem in record["left_out"]:
        say(f"left out: {problem['where']}: {problem['why']}")
    for remark in record["notes"]:
        say(f"note: {remark['where']}: {remark['why']}")


@lf.command
def check(*names: str, config: options.Config = None, as_json: options.Json = False) -> int:
    """Imports, examples, time, coverage, accuracy; status 1 if one could not be used in a night as it stands.

    For example:

        tilth lf check
        tilth lf check refund_words intent.slow_words

    Args:
        names: functions, or task.function (default: all)
    """
    from tilth.cli.labeling import lf_records as records

    data = open_workspace(config)
    functions = [_named(data, name) for name in names] or list(data.loaded.functions)
    by_name = {task.name: task for task in data.tasks}
    verdicts = []
    for ballot in data.cast(functions, data.free, cached=False):
        task = by_name[ballot.function.task]
        verdicts.append(records.verdict(ballot, task.codes(data.free[task.name]), data.config))
    problems = records.problems(data)
    failed = sum(not one["good"] for one in verdicts) + (0 if names else len(problems["left_out"]))
    if as_json:
        say_json({"failed": failed, "functions": verdicts, **problems})
        return 1 if failed else 0
    for one in verdicts:
        say(f"{'ok      ' if one['good'] else 'FAILED  '} {one['task']}.{one['name']:<28} {records.line(one)}")
    _say_problems(problems)
    say(f"{failed} failed" if failed else f"{len(functions)} labeling functions are fit for the night")
    return 1 if failed else 0


def _named(data: WorkspaceData, name: str) -> LoadedFunction:
    names = {f"{one.task}.{one.name}": one for one in data.loaded.functions}
    matches = [one for full, one in names.items() if name in (full, one.name)]
    if len(matches) == 1:
        return matches[0]
    for problem in data.loaded.problems:
        if name in problem.where:
            raise RequestError(f"{problem.where} is left out: {problem.why}")
    if matches:
        raise RequestError(f"{name} is a function of several tasks; name one of {', '.join(sorted(names))}")
    short = {one.name for one in data.loaded.functions}
    raise RequestError(f'there is no labeling function "{name}"; {did_you_mean(name, short)}')


@lf.command
def votes(name: str, /, *, rows: int = 10, config: options.Config = None, as_json: options.Json = False) -> int:
    """The rows that a function labels, and those it gets wrong.

    For example:

        tilth lf votes refund_words --rows 20

    Args:
        name: a function, or task.function
        rows: rows of each kind to show
    """
    if rows < 0:
        raise RequestError(f"--rows {rows}: at least 0")
    data = open_workspace(config)
    function = _named(data, name)
    task = data.task(function.task)
    ballot, on_gold = (data.cast([function], frame, cached=True)[0] for frame in (data.free, data.gold))
    if ballot.error:
        raise RequestError(f"{task.name}.{function.name} would be left out: {ballot.error}")
    from tilth.cli.labeling import lf_records as records

    record = records.voted(data, task, ballot, on_gold, rows)
    if as_json:
        say_json(record)
        return 0
    say(f"{task.name}.{function.name} ({function.where}): {records.line(record)}")
    for title, part in (("wrong", "wrong"), ("right, or without a label to go by", "others")):
        say(f"\n{title}: {record[part]['count']}")
        for row in record[part]["rows"]:
            given, text = row["label"] or "no label", " ".join(row["text"].split())[:WIDTH]
            say(f"  {row['id']}  {row['vote']} ({given})  {text}")
    if gold := record["gold"]:
        say(f"\ngold: votes on {gold['votes']} of {gold['rows']} rows, right on {gold['right']}")
    return 0


@lf.command
def new(
    name: str,
    /,
    *,
    label: str | None = None,
    task: options.TaskName = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> int:
    """Start a file with one function, examples and all.

    For example:

        tilth lf new refund_words --label refund

    Args:
        name: of the file and its function
        label: what it votes for (default: the one with most to gain)
    """
    from tilth.weak_supervision import new_function_file

    data = open_workspace(config)
    of = data.task(task)
    _check_label(label, of)
    if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
        raise RequestError(f'"{name}" names no function; use letters, digits and _, and begin with a letter')
    path = data.workspace.labeling_functions / f"{name}.py"
    if path.exists():
        raise RequestError(f"{path} is there already; choose another name")
    texts, codes = data.free["text"].tolist(), of.codes(data.free[of.name])
    source = new_function_file(name, of, label, texts, codes)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
    if as_json:
        say_json({"path": str(path)})
    else:
        say(f"{path}\nnext: edit it, then tilth lf check {name}")
    return 0


@lf.command
def suggest(
    *,
    label: str | None = None,
    precision: float = 0.9,
    task: options.TaskName = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> int:
    """Phrases that give a label away, as functions ready to paste: standard output is a file of them.

    For example:

        tilth lf suggest > labeling_functions/mined.py
        tilth lf suggest --label refund --precision 0.95

    Args:
        label: for this label alone
        precision: share of labeled rows to be right on
    """
    from tilth.cli.labeling import lf_records as records
    from tilth.weak_supervision import MINED_FILE_HEADER, function_name, function_source, suggest_functions

    if not 0 < precision <= 1:
        raise RequestError(f"--precision {precision}: more than 0 and at most 1")
    data = open_workspace(config)
    of = data.task(task)
    _check_label(label, of)
    texts, codes = data.free["text"].tolist(), of.codes(data.free[of.name])
    suggestions = suggest_functions(texts, codes, of, _covered(data, of), precision=precision)
    suggestions = [one for one in suggestions if label in (None, one.label)]
    if not suggestions:
        raise RequestError("no phrase is right often enough in enough labeled rows; label more, or lower --precision")
    names: list[str] = []
    for one in suggestions:
        names.append(function_name(one.label, names))
    parts = [
        function_source(one, texts, codes, of.labels.index(one.label), name)
        for one, name in zip(suggestions, names, strict=True)
    ]
    if as_json:
        say_json({"task": of.name, "functions": records.suggested(suggestions, names, parts)})
    else:
        say((MINED_FILE_HEADER.format(task=of.name) + "".join(parts)).rstrip())
    return 0


def _covered(data: WorkspaceData, task: Task) -> np.ndarray:
    """Which rows a function of the task votes on, boolean, shape (rows,)."""
    import numpy as np

    functions = [one for one in data.loaded.functions if one.task == task.name]
    covered = np.zeros(len(data.free), dtype=bool)
    for ballot in data.cast(functions, data.free, cached=True):
        if not ballot.error:
            covered |= ballot.column >= 0
    return covered


def _check_label(label: str | None, task: Task) -> None:
    if label is not None and label not in task.labels:
        raise RequestError(f"--label {label}: task {task.name} has no such label; {did_you_mean(label, task.labels)}")
