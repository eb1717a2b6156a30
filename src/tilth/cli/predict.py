"""`tilth predict`: a run's model answers, for texts or for the rows of a file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from tilth.cli import options, progress, terminal, workspace_data
from tilth.cli.terminal import lines, say
from tilth.errors import InputError, RequestError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from tilth.notes import Notes
    from tilth.training import Predictor

BATCH = 64
"""Texts that are answered at once."""

ENDS = ("_predicted", "_predicted_confidence")
"""Of the columns that a task's answers go to."""


def predict(
    *texts: str,
    input: Annotated[str | None, options.Rows] = None,
    out: Annotated[Path | None, options.Dash] = None,
    text: str | None = None,
    run: options.RunName = "latest",
    force: bool = False,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Labels for texts, as JSON lines, or for the rows of a file, beside its other columns.

    For example:

        tilth predict "where is my refund"
        tilth predict < messages.txt
        tilth predict --input rows.csv --out labeled.csv
        tilth predict --input - --text body < rows.jsonl

    Args:
        texts: texts; none: one a line from standard input
        input: a file of rows: CSV, JSONL, Parquet, or - for standard input
        out: FILE.csv, FILE.jsonl, FILE.parquet (default: JSON lines on standard output)
        text: the text's column in --input (default: as the model's night read it, or text)
        force: write over what is there
        as_json: with --out, print what was done as JSON; JSON lines are what there is without
    """
    if input is None and (out is not None or text is not None or force):
        raise RequestError("--out, --text and --force go with --input FILE; texts are answered on standard output")
    if input is not None and texts:
        raise RequestError(f"texts and --input {input} at once; give one of them")
    for given in texts:
        _no_file(given)
    chosen = workspace_data.run(run)
    if not (chosen.path / "model").is_dir():
        raise RequestError(f"run {chosen.path.name} holds no model; name one that trained: tilth predict --run RUN")
    if input is not None:
        column = text or chosen.record["config"]["data"]["text"]
        return _file(chosen.path / "model", input, out, column, force=force, as_json=as_json)
    from tilth.training import Predictor

    every_text = list(texts) or [line.rstrip("\r\n") for line in lines()]
    predictor = Predictor.load(chosen.path / "model")
    for first in range(0, len(every_text), BATCH):
        for answer in predictor(every_text[first : first + BATCH]):
            say(json.dumps(answer, ensure_ascii=False))
    return 0


def _no_file(given: str) -> None:
    """A text that is a file's name was hardly meant as a text."""
    named = re.fullmatch(r"\S+\.(csv|tsv|jsonl|ndjson|parquet|txt)(\.gz)?", given, flags=re.IGNORECASE)
    if not named and not ("\n" not in given and len(given) < 256 and Path(given).is_file()):
        return
    plain = given.lower().endswith(".txt")
    right = f"tilth predict < {given}" if plain else f"tilth predict --input {given} --out FILE"
    raise RequestError(f'"{given}" is a file, and a text is expected there; for the texts in it: {right}')


def _file(model: Path, name: str, out: Path | None, column: str, *, force: bool, as_json: bool) -> int:
    """Answer the rows of a file, a piece of it at a time, so that one of any size can be answered."""
    from tilth import store
    from tilth.io import FOLDER, STANDARD_OUTPUT, PieceWriter, file_kind, read_pieces, refuse_to_overwrite
    from tilth.notes import Notes
    from tilth.training import Predictor

    target = STANDARD_OUTPUT if out is None else out
    kind = file_kind(target, "jsonl" if target == STANDARD_OUTPUT else None)
    if kind == FOLDER:
        raise RequestError(f"--out {target}: expected a file, for example {target}.csv")
    refuse_to_overwrite(target, kind, force=force)
    notes, counts = Notes(), Counts(Path(name).stat().st_size if Path(name).is_file() else 0)
    with ExitStack() as whole:
        unfinished = None if target == STANDARD_OUTPUT else whole.enter_context(store.atomic(target))
        counts.show = whole.enter_context(progress.share(f"predicting {name}", shown=unfinished is not None))
        predictor, writer = Predictor.load(model), whole.enter_context(PieceWriter(kind, unfinished))
        for frame in read_pieces(name, Path.cwd(), notes, [column], passed=counts.reached):
            _check(frame, column, predictor, name)
            # Standard output is written as soon as there is something.
            step = max(len(frame), 1) if unfinished else BATCH
            for first in range(0, len(frame), step):
                writer.add(_answered(frame.iloc[first : first + step], column, predictor, counts, of=len(frame)))
    _print_summary(target, name, notes, counts, as_json=as_json and unfinished is not None)
    return 0


class Counts:
    """What was answered so far."""

    def __init__(self, size: int) -> None:
        self.rows = self.without_text = 0
        self.first_without: int | None = None
        self.show: Callable[[float], None] = lambda share: None
        self._size, self._before, self._reached, self._of_piece = size, 0, 0, 0

    def reached(self, place: int) -> None:
        """The next piece of the file ends at that byte."""
        self._before, self._reached, self._of_piece = self._reached, place, 0

    def add(self, texts: Sequence[str], of: int) -> None:
        """So many more texts are answered, of a piece of so many rows."""
        empty = [place for place, text in enumerate(texts, self.rows + 1) if not text]
        self.without_text += len(empty)
        if empty and self.first_without is None:
            self.first_without = empty[0]
        self.rows += len(texts)
        self._of_piece += len(texts)
        if self._size:
            behind = self._before + (self._reached - self._before) * self._of_piece / max(of, 1)
            self.show(min(behind / self._size, 1.0))


def _check(frame: pd.DataFrame, column: str, predictor: Predictor, name: str) -> None:
    if column not in frame:
        near = did_you_mean(column, map(str, frame.columns))
        raise InputError(f'{name}: no column "{column}"; {near} (--text COLUMN)')
    new = [f"{task['name']}{end}" for task in predictor.tasks for end in ENDS]
    if taken := [one for one in new if one in frame]:
        raise RequestError(f'{name} has a column "{taken[0]}" already, where an answer would go; rename or drop it')


def _answered(frame: pd.DataFrame, column: str, predictor: Predictor, counts: Counts, *, of: int) -> pd.DataFrame:
    """The rows with an answer beside; a row without text has none."""
    import pandas as pd
    import pyarrow as pa

    answers: list[dict[str, Any] | None] = []
    for first in range(0, len(frame), BATCH):
        texts = [_text(value) for value in frame[column].iloc[first : first + BATCH]]
        predictions = iter(predictor([text for text in texts if text]) if any(texts) else ())
        answers += [next(predictions) if text else None for text in texts]
        counts.add(texts, of)
    new = {}
    for task in predictor.tasks:
        task_answers = [answer[task["name"]] if answer else {"label": None, "confidence": None} for answer in answers]
        for end, key, kind in zip(ENDS, ("label", "confidence"), (pa.string(), pa.float64()), strict=True):
            new[f"{task['name']}{end}"] = pd.Series(
                [one[key] for one in task_answers], index=frame.index, dtype=pd.ArrowDtype(kind)
            )
    return frame.assign(**new)


def _text(value: Any) -> str:
    """A value of the text's column as a night reads it."""
    import pandas as pd

    from tilth.text import clean

    return "" if pd.api.types.is_scalar(value) and pd.isna(value) else clean(str(value))


def _print_summary(target: Path, name: str, notes: Notes, counts: Counts, *, as_json: bool) -> None:
    """What was done, and what is not as a person may have meant it; where rows are on standard output, beside them."""
    lost = notes.unreadable
    others = {note.kind: note for note in reversed(notes.found) if note.kind != "unreadable_lines"}
    warnings = [str(note) for note in others.values()]
    if lost:
        warnings.append(f"lines that could not be read, and have no answer: {len(lost)} (first: {lost[0]})")
    if counts.without_text:
        warnings.append(
            f"rows without a text, and without an answer: {counts.without_text} (first: row {counts.first_without})"
        )
    for warning in warnings:
        terminal.note(warning)
    if as_json:
        done = {"out": str(target), "rows": counts.rows, "without_text": counts.without_text, "unreadable": len(lost)}
        say(json.dumps(done, ensure_ascii=False))
    elif str(target) != "-":
        say(f"{counts.rows} rows of {name}: {target}")
