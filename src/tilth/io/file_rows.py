"""One input file as rows of the table: its texts cleaned, its labels as they stand, its other columns kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tilth.config import DataConfig, Settings
from tilth.errors import InputError, did_you_mean
from tilth.io.columns import PicturePlace, are_paths, pictures_record, read_pictures
from tilth.io.labels import column_of
from tilth.io.tables import Loaded, read_rows
from tilth.io.text_files import shown
from tilth.notes import FILE, ROW, Notes
from tilth.pictures import require_pillow
from tilth.samples import Source, Split, Status
from tilth.store import Cache
from tilth.text import CONTROL, clean

LABELS = "columns of labels"
"""Among the attributes of a file's frame: the columns of labels that the file has."""

_NOTHING = frozenset({"nan", "none", "null", "n/a", "na", "#n/a", "<na>", "nil", "undefined"})
_PRODIGY = {"accept", "reject", "ignore"}


def read(
    name: str,
    split: Split,
    settings: Settings,
    root: Path,
    inputs: list[dict[str, Any]],
    notes: Notes,
    loaded: Loaded | None = None,
    cache: Cache | None = None,
) -> pd.DataFrame:
    """The rows of one file.

    Args:
        name: of the file.
        split: gold, or train.
        settings: which columns hold what.
        root: the folder that a relative name starts from.
        inputs: what the run's record says of each file; this one is put at its end.
        notes: where it is noted what was read otherwise than it stands.
        loaded: rows that are in memory already, by their name.
        cache: keeps pictures that come as bytes; None: there is none.

    Raises:
        InputError: the file cannot be read, or has no row, or no column for the text or the pictures.
    """
    labels = {column_of(task): task.name for task in settings.tasks}
    text, own, image = settings.data.text, settings.data.id, settings.data.image
    raw, sha = read_rows(name, root, notes, [text, own, *([image] if image else []), *labels], loaded)
    inputs.append({"path": name, "sha256": sha, "rows": len(raw), "split": split.value})
    if raw.empty:
        raise InputError(f"{name}: no rows; expected a header and at least one row below it")
    pictures_alone = _are_pictures_alone(raw, text, image)
    expected = {image: ("pictures", "--image COLUMN, or data.image")} if image else {}
    if not pictures_alone:
        expected[text] = ("text", "--text COLUMN, or data.text")
    for column, (what, option) in expected.items():
        if column not in raw:
            raise InputError(
                f'{name}: no column "{column}" for the {what}; found {list(raw.columns)}: '
                f"{did_you_mean(column, raw.columns)} ({option})"
            )
    if pictures_alone:
        message = f'{shown(name)} has no column "{text}": its rows are read by their pictures alone (--text names one)'
        notes.add("no_column_of_texts", 1, message, shown(name))
        raw = raw.assign(**{text: ""})
    rows = pd.DataFrame({FILE: shown(name), ROW: np.arange(1, len(raw) + 1)}, index=raw.index)
    kept = [column for column in raw.columns if column not in {text, own, *labels}]
    kept = [column for column in kept if column != image or are_paths(raw[column])]  # no table holds a picture's bytes
    out = pd.DataFrame({f"meta.{column}": _inferred(raw[column]) for column in kept}, index=raw.index)
    out["id"] = _ids(raw, own, rows, notes)
    pictures = _pictures(raw[image], name, rows, settings, root, notes, cache) if image else None
    if pictures is not None:
        inputs.append(pictures_record(pictures, rows, split.value))
        out = out.join(pictures)
    out["text"] = _texts(raw[text], rows, notes, pictures)
    out["split"], out["source"], out["parent_id"] = split.value, Source.INPUT.value, None
    out["status"], out["reason"] = Status.ACTIVE.value, None
    rejected = _rejected(raw, kept, rows, notes)
    for column, task in labels.items():
        given = raw[column].astype(object) if column in raw else pd.Series(None, index=raw.index, dtype=object)
        out[f"{task}_given"] = given.where(~rejected, None)
    _note_paraphrases(raw, rows, notes)
    out = out.join(rows)
    out.attrs[LABELS] = [column for column in labels if column in raw]
    return out


def _are_pictures_alone(raw: pd.DataFrame, text: str, image: str | None) -> bool:
    """Whether a file has pictures, and nobody named a column of texts that it lacks."""
    nobody_named_it = text == DataConfig.model_fields["text"].default
    columns = [str(column).casefold() for column in raw.columns]
    return image is not None and nobody_named_it and text.casefold() not in columns


def _inferred(column: pd.Series) -> pd.Series:
    """A kept column in the narrowest type that holds its values, which it then keeps from stage to stage."""
    loose = column.dtype == object or isinstance(column.dtype, pd.CategoricalDtype)
    return pd.Series(list(column), index=column.index) if loose else column


def _ids(raw: pd.DataFrame, own: str, rows: pd.DataFrame, notes: Notes) -> pd.Series:
    """The input's own ids as text, None where there is none."""
    if own not in raw:
        if near := [column for column in map(str, raw) if column.casefold() == own.casefold()]:
            file = rows[FILE].iloc[0]
            message = (
                f'{file} has a column "{near[0]}" and none called "{own}", so ids are made from the texts; '
                f'--set data.id="{near[0]}" takes it'
            )
            notes.add("id_column_of_another_name", 1, message, file)
        return pd.Series(None, index=raw.index, dtype=object)
    ids = raw[own].astype("string").str.strip()
    there = ids.notna() & ids.ne("")
    if there.any() and ids[there].str.fullmatch(r"\d+\.0+").all():
        notes.rows(
            "ids_with_a_point",
            rows,
            there,
            "id",
            f'came as numbers with a point, such as "{ids[there].iloc[0]}": ".0" is left out',
        )
        ids = ids.str.replace(r"\.0+$", "", regex=True)
    if there.any():
        notes.rows(
            "rows_without_an_id",
            rows,
            ~there,
            "row",
            "came without an id, where others have one: it is made from the text",
        )
    return ids.astype(object).where(there, None)


def _pictures(
    column: pd.Series,
    name: str,
    rows: pd.DataFrame,
    settings: Settings,
    root: Path,
    notes: Notes,
    cache: Cache | None,
) -> pd.DataFrame:
    """References to a file's pictures, whose paths start from where the file stands."""
    require_pillow()
    base = root / name if (root / name).is_dir() else (root / name).parent if (root / name).is_file() else root
    place = PicturePlace(base=base, root=root, cache=cache, max_pixels=settings.image.max_pixels)
    return read_pictures(column, rows, place, notes)


def _texts(column: pd.Series, rows: pd.DataFrame, notes: Notes, pictures: pd.DataFrame | None = None) -> pd.Series:
    """The texts, cleaned; empty where there is none."""
    if column.dtype == object:
        odd = column.map(lambda value: isinstance(value, dict | list | tuple | bytes | bool | np.ndarray))
        kinds = ", ".join(sorted({type(value).__name__ for value in column[odd]}))
        notes.rows("texts_of_another_type", rows, odd, "text", f"came as {kinds}, which is no text: read as it prints")
    words = column.where(column.notna(), "").astype(str)
    cleaned = words.map(clean)
    notes.rows("control_characters_removed", rows, words.str.contains(CONTROL), "text", "lost control characters")
    bare = cleaned.eq("") if pictures is None else cleaned.eq("") & pictures["picture_digest"].isna()
    which = "a text" if pictures is None else "a text and a picture"
    notes.rows("rows_without_a_text", rows, bare, "row", f"came without {which}, which nothing is learned from")
    nothing = cleaned.str.casefold().isin(_NOTHING)
    seen = ", ".join(f'"{word}"' for word in cleaned[nothing].unique())
    notes.rows("texts_that_may_mean_none", rows, nothing, "text", f"came as {seen} alone, which may mean none")
    return cleaned


def _rejected(raw: pd.DataFrame, kept: list[str], rows: pd.DataFrame, notes: Notes) -> pd.Series:
    """Which rows a person refused to label so: Prodigy keeps the label, and says so in a column of its own."""
    if "answer" not in kept or not set(raw["answer"].dropna()) <= _PRODIGY:
        return pd.Series(False, index=raw.index)
    rejected = raw["answer"].isin(["reject", "ignore"])
    rest = 'came with the answer "reject" or "ignore", as Prodigy writes it: the label beside it is read as no label'
    notes.rows("answers_rejected", rows, rejected, "row", rest)
    return rejected


def _note_paraphrases(raw: pd.DataFrame, rows: pd.DataFrame, notes: Notes) -> None:
    if {"source", "parent_id"} <= set(raw):
        drawn = raw["source"].eq(Source.PARAPHRASE.value)
        rest = "came as a paraphrase that an earlier night drew: it is read as a row of its own, as people's are"
        notes.rows("paraphrases_of_an_earlier_night", rows, drawn, "row", rest)
