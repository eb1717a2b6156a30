"""What `tilth predict` does: it loads ONNX Runtime, tokenizers and numpy, and nothing else that is installed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.cli import terminal
from tilth.cli.models.picture_cells import PictureCells
from tilth.cli.terminal import lines, say, show_share
from tilth.cli.workspace import find_run
from tilth.errors import InputError, RequestError, did_you_mean

if TYPE_CHECKING:
    from tilth.io import Piece
    from tilth.notes import Notes
    from tilth.training import Predictor

BATCH = 64
"""Texts that are answered at once."""

ENDS: dict[str, tuple[str, type]] = {"_predicted": ("label", str), "_predicted_confidence": ("confidence", float)}
"""Of the columns that a task's answers go to: the answer's key and its type."""


def answer(
    texts: Sequence[str],
    *,
    input: str | None,
    out: Path | None,
    text: str | None,
    image: str | None,
    run: str,
    force: bool,
    as_json: bool,
) -> int:
    """Answer texts, or the rows of a file; the arguments are those of `tilth predict --help`."""
    if input is None and (out is not None or text is not None or image is not None or force):
        raise RequestError(
            "--out, --text, --image and --force go with --input FILE; texts are answered on standard output"
        )
    if input is not None and texts:
        raise RequestError(f"texts and --input {input} at once; give one of them")
    for given in texts:
        _no_file(given)
    model, columns = _model(run)
    if input is not None:
        named = image is not None
        wanted = Columns(text=text or columns.text, image=image if named else columns.image, required=named)
        return _file(model, input, out, wanted, force=force, as_json=as_json)
    from tilth.training import Predictor

    every_text = list(texts) or [line.rstrip("\r\n") for line in lines()]
    if not every_text:
        terminal.note("standard input is empty, expected one text a line; nothing was answered")
    predictor = Predictor.load(model)
    for first in range(0, len(every_text), BATCH):
        for prediction in predictor(every_text[first : first + BATCH]):
            say(json.dumps(prediction, ensure_ascii=False))
    return 0


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Where a file's texts and pictures stand.

    Attributes:
        text: the texts' column.
        image: the pictures'; None where the model's night had none.
        required: whether a person named the pictures' column, so that it must be there.
    """

    text: str = "text"
    image: str | None = "image"
    required: bool = False


def _model(name: str) -> tuple[Path, Columns]:
    """The folder of a model, by a run's name or by its own path, and the columns that its night read."""
    if (Path(name) / "tilth.json").is_file():
        return Path(name), Columns()
    chosen = find_run(name)
    if not (chosen.path / "model").is_dir():
        raise RequestError(f"run {chosen.path.name} holds no model; name one that trained: tilth predict --run RUN")
    config = chosen.record.get("config") or {}
    data = config.get("data", {})
    return chosen.path / "model", Columns(text=str(data.get("text", "text")), image=data.get("image"))


def _no_file(given: str) -> None:
    """A text that is a file's name was hardly meant as a text."""
    named = re.fullmatch(r"\S+\.(csv|tsv|jsonl|ndjson|parquet|txt)(\.gz)?", given, flags=re.IGNORECASE)
    if not named and not ("\n" not in given and len(given) < 256 and Path(given).is_file()):
        return
    plain = given.lower().endswith(".txt")
    right = f"tilth predict < {given}" if plain else f"tilth predict --input {given} --out FILE"
    raise RequestError(f'"{given}" is a file, and a text is expected there; for the texts in it: {right}')


def _file(model: Path, name: str, out: Path | None, columns: Columns, *, force: bool, as_json: bool) -> int:
    """Answer the rows of a file, a piece of it at a time, so that one of any size can be answered."""
    from tilth import store
    from tilth.io import FOLDER, STANDARD_OUTPUT, file_kind, piece_writer, read_pieces, refuse_to_overwrite
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
        counts.show = whole.enter_context(show_share(f"predicting {name}", shown=unfinished is not None))
        predictor, writer = Predictor.load(model), whole.enter_context(piece_writer(kind, unfinished))
        cells: PictureCells | None = None
        for piece in read_pieces(name, Path.cwd(), notes, [columns.text], passed=counts.reached):
            cells = cells or PictureCells.of(predictor, piece, name, columns.image, required=columns.required)
            _check(piece, columns.text, predictor, name, has_pictures=cells is not None)
            # Standard output is written as soon as there is something.
            step = max(len(piece), 1) if unfinished else BATCH
            for first in range(0, len(piece), step):
                part = piece.part(first, first + step)
                writer.add(_answered(part, columns.text, cells, predictor, counts, of=len(piece)))
    warnings = cells.warnings() if cells is not None else ()
    _print_summary(target, name, notes, counts, warnings, as_json=as_json and unfinished is not None)
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

    def add(self, texts: Sequence[str], pictures: Sequence[Any], of: int) -> None:
        """So many more rows are answered, of a piece of so many."""
        rows = zip(texts, pictures, strict=True)
        empty = [place for place, (text, picture) in enumerate(rows, self.rows + 1) if not text and picture is None]
        self.without_text += len(empty)
        if empty and self.first_without is None:
            self.first_without = empty[0]
        self.rows += len(texts)
        self._of_piece += len(texts)
        if self._size:
            behind = self._before + (self._reached - self._before) * self._of_piece / max(of, 1)
            self.show(min(behind / self._size, 1.0))


def _check(piece: Piece, column: str, predictor: Predictor, name: str, *, has_pictures: bool) -> None:
    if column not in piece.columns and not has_pictures:
        near = did_you_mean(column, piece.columns)
        raise InputError(f'{name}: no column "{column}"; {near} (--text COLUMN)')
    new = [f"{task['name']}{end}" for task in predictor.tasks for end in ENDS]
    if taken := [one for one in new if one in piece.columns]:
        raise RequestError(f'{name} has a column "{taken[0]}" already, where an answer would go; rename or drop it')


def _answered(
    piece: Piece, column: str, cells: PictureCells | None, predictor: Predictor, counts: Counts, *, of: int
) -> Piece:
    """The rows with an answer beside; a row without text and picture has none."""
    answers: list[Any] = []
    for first in range(0, len(piece), BATCH):
        part = piece.part(first, first + BATCH)
        texts = [_text(value) for value in part.values(column)] if column in part.columns else [""] * len(part)
        pictures = cells.read(part) if cells is not None else [None] * len(part)
        rows = [row for row, text in enumerate(texts) if text or pictures[row] is not None]
        given = [texts[row] for row in rows]
        shown = {"pictures": [pictures[row] for row in rows]} if cells is not None else {}
        predictions = iter(predictor(given, **shown) if rows else ())
        answered = set(rows)
        answers += [next(predictions) if row in answered else None for row in range(len(part))]
        counts.add(texts, pictures, of)
    new: dict[str, list[Any]] = {}
    kinds: dict[str, type] = {}
    for task in (one["name"] for one in predictor.tasks):
        for end, (key, kind) in ENDS.items():
            new[f"{task}{end}"] = [one[task][key] if one else None for one in answers]
            kinds[f"{task}{end}"] = kind
    return piece.beside(new, kinds)


def _text(value: Any) -> str:
    """A value of the text's column as a night reads it."""
    from tilth.text import clean

    return "" if value is None or value != value else clean(str(value))  # noqa: PLR0124  # NaN alone is not itself


def _print_summary(
    target: Path, name: str, notes: Notes, counts: Counts, about_pictures: Sequence[str], *, as_json: bool
) -> None:
    """What was done, and what is not as a person may have meant it; where rows are on standard output, beside them."""
    from tilth.notes import UNREADABLE_LINES

    lost = notes.unreadable
    others = {note.kind: note for note in reversed(notes.found) if note.kind != UNREADABLE_LINES}
    warnings = [str(note) for note in others.values()]
    if lost:
        warnings.append(f"lines that could not be read, and have no answer: {len(lost)} (first: {lost[0]})")
    if counts.without_text:
        warnings.append(
            f"rows without a text, and without an answer: {counts.without_text} (first: row {counts.first_without})"
        )
    for warning in (*warnings, *about_pictures):
        terminal.note(warning)
    if as_json:
        done = {"out": str(target), "rows": counts.rows, "without_text": counts.without_text, "unreadable": len(lost)}
        say(json.dumps(done, ensure_ascii=False))
    elif str(target) != "-":
        say(f"{counts.rows} rows of {name}: {target}")
