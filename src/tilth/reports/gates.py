"""Gates of a night, `gold.intent.macro_f1 < 0.9`, over what `run.json` and `report.json` say; no code is run."""

from __future__ import annotations

import difflib
import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tilth.errors import RequestError
from tilth.samples import Reason

_PARTS = re.compile(r"""\s*(?P<key>(?:"[^"]*"|[^\s<>=!"])+)\s*(?P<sign><=|>=|==|!=|<|>)\s*(?P<value>\S.*?)\s*""")
_SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_NAMES = ("name", "task", "kind", "title", "path")
"""Keys that an item of a list is known by: `stages.cleaning` is the item whose name is cleaning."""
_COUNTED, _REASONS = ("quarantined", "review"), frozenset(word.value for word in Reason)
"""Sections that hold the reasons that there were, each with its rows: one that is not there has none."""
EXAMPLE = "gold.intent.macro_f1 < 0.9"


@dataclass(frozen=True)
class Gate:
    """One condition that a night must not meet."""

    text: str
    keys: tuple[str, ...]
    sign: str
    value: Any


def parse_gate(text: str) -> Gate:
    """Read a condition: a dotted key, one of < <= > >= == !=, and a number, true, false or a word in quotes.

    >>> gate = parse_gate('gold."a.b".macro_f1 < 0.9')
    >>> gate.keys, gate.sign, gate.value
    (('gold', 'a.b', 'macro_f1'), '<', 0.9)

    Raises:
        RequestError: it is none.
    """
    match = _PARTS.fullmatch(text)
    if match is None:
        raise RequestError(f"--fail-on '{text}': expected a key, a comparison and a value, as in '{EXAMPLE}'")
    keys = tuple(part.strip('"') for part in re.findall(r'"[^"]*"|[^."]+', match["key"]))
    return Gate(text.strip(), keys, match["sign"], _value(match["value"], match["sign"], text))


def _value(word: str, sign: str, text: str) -> Any:
    try:
        value = json.loads(word)
    except ValueError:
        value = word.strip("'") if re.fullmatch(r"'[^']*'|[A-Za-z_][\w-]*", word) else None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number and not (sign in ("==", "!=") and isinstance(value, bool | str)):
        wanted = "a number, true, false or a word" if sign in ("==", "!=") else "a number"
        raise RequestError(f"--fail-on '{text}': expected {wanted} behind {sign}, found {word}")
    return value


def failed_gates(gates: Sequence[Gate], record: Mapping[str, Any], report: Mapping[str, Any]) -> list[str]:
    """What each gate that is not met says; a figure that the night does not have meets none.

    Args:
        gates: as `parse_gate` reads them; each names what must not be.
        record: `run.json`; a key is looked for here first.
        report: `report.json`.

    Raises:
        RequestError: neither holds a key; the nearest one is named.
    """
    failures = []
    for gate in gates:
        value, missing = _look_up(gate, record, report)
        if missing is not None:
            failures.append(f"{gate.text}: cannot be checked: {missing} is empty in this run")
        elif not _comparable(value, gate.value):
            kind = "a section" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(value)
            inside = f"; it holds {', '.join(list(_children(value))[:8])}" if isinstance(value, dict | list) else ""
            raise RequestError(f"--fail-on '{gate.text}': {'.'.join(gate.keys)} is {kind}{inside}")
        elif _SIGNS[gate.sign](value, gate.value):
            failures.append(f"{gate.text}: it is {value}")
    return failures


def _comparable(value: Any, other: Any) -> bool:
    if isinstance(value, bool) or isinstance(other, bool):
        return isinstance(value, bool) and isinstance(other, bool)
    if isinstance(value, int | float):
        return isinstance(other, int | float)
    return isinstance(value, str) and isinstance(other, str)


def _look_up(gate: Gate, record: Mapping[str, Any], report: Mapping[str, Any]) -> tuple[Any, str | None]:
    """The value of a gate's key, and the part of the key that is null where there is none."""
    problem = ""
    for source in (record, report):
        value: Any = source
        for place, key in enumerate(gate.keys):
            children = _children(value)
            if key not in children and place and gate.keys[place - 1] in _COUNTED and key in _REASONS:
                return 0, None
            if key not in children:
                problem = problem or _unknown(gate, place, record, report)
                break
            value = children[key]
            if value is None:
                return None, ".".join(gate.keys[: place + 1])
        else:
            return value, None
    raise RequestError(problem)


def _unknown(gate: Gate, place: int, record: Mapping[str, Any], report: Mapping[str, Any]) -> str:
    """The message on a key that is not there: the nearest one, or what stands beside it."""
    wanted, key = ".".join(gate.keys), gate.keys[place]
    before = "".join(f"{part}." for part in gate.keys[:place])
    valid = _children_at(gate.keys[:place], record) or _children_at(gate.keys[:place], report)
    close = difflib.get_close_matches(key, valid, n=1)
    every = [*_paths(record), *_paths(report)]
    near = [f"{before}{close[0]}"] if close else difflib.get_close_matches(wanted, every, n=1) if not place else []
    where = f"below {before.rstrip('.')} are {', '.join(valid[:12])}" if place else "see run.json and report.json"
    return f"--fail-on '{gate.text}': no {wanted}; {f'did you mean {near[0]}?' if near else where}"


def _children_at(keys: Sequence[str], value: Any) -> list[str]:
    for key in keys:
        value = _children(value).get(key)
    return list(_children(value))


def _children(value: Any) -> dict[str, Any]:
    """What stands in a section by its key, or in a list by each item's name, else by its place from 0."""
    if isinstance(value, Mapping):
        return {str(key): item for key, item in value.items()}
    if isinstance(value, list):
        return {_name(item, place): item for place, item in enumerate(value)}
    return {}


def _name(item: Any, place: int) -> str:
    names = (item.get(key) for key in _NAMES) if isinstance(item, Mapping) else ()
    return next((name for name in names if isinstance(name, str)), str(place))


def _paths(value: Any, before: str = "", depth: int = 0) -> Iterator[str]:
    """The dotted keys of numbers, words and truths."""
    for key, item in _children(value).items():
        path = f"{before}{key}"
        if isinstance(item, Mapping | list) and depth < 6:
            yield from _paths(item, f"{path}.", depth + 1)
        else:
            yield path
