"""`tilth drift`: live texts through a night's model, beside the rows that it was trained on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from tilth.cli import options, terminal
from tilth.cli.terminal import say, say_json, show_share
from tilth.cli.workspace import find_run
from tilth.errors import InputError, RequestError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from tilth.reports import LiveTexts, Reference
    from tilth.store import Run
    from tilth.training import Predictor

BATCH = 256
"""Texts between two looks at how far it is."""


def drift(
    file: Annotated[str, options.Rows],
    /,
    *,
    text: str | None = None,
    run: options.RunName = "latest",
    out: Path | None = None,
    rows: Annotated[int, Parameter(metavar="N")] = 100,
    force: bool = False,
    as_json: options.Json = False,
) -> int:
    """Say how live texts differ from the rows that the model was trained on: scope, classes, new words.

    For example:

        tilth drift last-week.csv
        tilth drift last-week.jsonl --text body --out worst.csv
        tilth drift - --json < messages.csv

    Args:
        file: CSV, TSV, JSONL, Parquet, Excel, - for standard input, or hf:owner/name:split; its labels are ignored
        text: the text's column (default: as the model's night read it)
        out: a CSV file for the rows that a person should look at, in the columns of queue.csv
        rows: how many of them at most
        force: write over what is there
        as_json: print what was found as JSON, and nothing else, on standard output
    """
    from tilth import reports
    from tilth.io import refuse_to_overwrite, write_csv
    from tilth.store import atomic
    from tilth.training import Predictor

    if out is not None:
        if out.suffix.lower() != ".csv":
            raise RequestError(f"--out {out}: expected a CSV file, for example worst.csv")
        refuse_to_overwrite(out, "csv", force=force)
    night = find_run(run)
    reference = _reference(night)
    frame = _read(file, text or str(night.record["config"]["data"]["text"]))
    live = _answered(frame, Predictor.load(night.path), file)
    measures = reports.measure_drift(live, reference)
    if out is not None:
        with atomic(out) as unfinished:
            write_csv(reports.drift_sheet(live, reference, rows), unfinished)
        measures["out"] = str(out)
    if as_json:
        say_json(measures)
        return 0
    for line in reports.drift_lines(measures):
        say(line)
    if out is not None:
        say(f"rows to look at: {out}")
    return 0


def _reference(night: Run) -> Reference:
    """The rows of the night that trained the model."""
    from tilth import reports, store
    from tilth import samples as table

    if not (night.path / "model").is_dir():
        raise RequestError(f"run {night.path.name} holds no model; name one that trained: tilth drift FILE --run RUN")
    frame = table.to_pandas(store.read_table(store.newest_table(night.path)))
    if "out_of_scope_score" not in frame:
        raise RequestError(f"run {night.path.name} stopped before training, so that its rows have no answers")
    limit = (store.stage_metrics(night.record, "training").get("out_of_scope") or {}).get("below")
    tasks = [task["name"] for task in night.record["tasks"]]
    return reports.reference_of(night.path.name, frame, tasks, limit, _held_out(night))


def _held_out(night: Run) -> tuple[float, int] | None:
    """The share of held-out rows that the model's limit rejects, and how many rows it was set by; None: not known."""
    from tilth import store
    from tilth.errors import DamagedFileError

    settings, path = night.record["config"].get("training") or {}, night.path / store.HELD_OUT
    if settings.get("reject_below") is not None or not settings.get("reject_share") or not path.is_file():
        return None
    try:
        return float(settings["reject_share"]), len(store.read_table(path))
    except DamagedFileError:
        return None


def _read(file: str, column: str) -> pd.DataFrame:
    """The live texts with their ids; what was read otherwise than it stands is reported."""
    from tilth.io import read_rows
    from tilth.notes import Notes
    from tilth.text import clean, digest

    notes = Notes()
    frame, _ = read_rows(file, Path.cwd(), notes, [column])
    for note in notes.found:
        terminal.note(str(note))
    if column not in frame:
        raise InputError(
            f'{file}: no column "{column}"; {did_you_mean(column, map(str, frame.columns))} (--text COLUMN)'
        )
    texts = frame[column].where(frame[column].notna(), "").astype(str).map(clean)
    if frame.empty:
        raise InputError(f"{file}: no rows; expected a header and at least one row below it")
    there = texts.ne("")
    if lost := int((~there).sum()):
        first = int(there.to_numpy().argmin()) + 1
        terminal.note(f"rows without a text, which are left out: {lost} (first: {file}, row {first})")
    if not there.any():
        raise InputError(f"{file}: no row has a text in {column}; is --text the right column?")
    own = frame["id"].astype(str) if "id" in frame else texts.map(digest).str.slice(0, 16)
    return frame.assign(id=own, text=texts)[there][["id", "text"]].reset_index(drop=True)


def _answered(frame: pd.DataFrame, predictor: Predictor, file: str) -> LiveTexts:
    """The texts with the model's answers."""
    import numpy as np

    from tilth.reports import LiveTexts

    texts = frame["text"].tolist()
    parts: list[Any] = []
    with show_share(f"answering {file}", shown=True) as show:
        for first in range(0, len(texts), BATCH):
            parts.append(predictor.answers(texts[first : first + BATCH]))
            show(min(first + BATCH, len(texts)) / len(texts))
    predicted, confidence = {}, {}
    for task in predictor.tasks:
        codes = np.concatenate([part.codes[task["name"]] for part in parts])
        predicted[task["name"]] = np.array([*task["labels"], None], dtype=object)[codes]
        confidence[task["name"]] = np.concatenate([part.confidence[task["name"]] for part in parts])
    scope = np.concatenate([part.scope for part in parts])
    return LiveTexts(ids=frame["id"].tolist(), texts=texts, predicted=predicted, confidence=confidence, scope=scope)
