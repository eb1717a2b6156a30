"""What the values of a column are: prose, numbers, a split, or classes; and why a column cannot be one of labels."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tilth.errors import InputError

_SPLITS = {"train", "training", "test", "testing", "valid", "validation", "val", "dev", "eval", "evaluation", "holdout"}
SEEN = 2000
"""Rows that a guess looks at, evenly spaced."""
_DETERMINED = 0.98
"""Share of a column's rows that follow from another's value, from which on the one is a coarser view of the other."""


def check_labels(column: pd.Series, file: str) -> None:
    """See that a column holds classes.

    Raises:
        InputError: it is empty, has one value alone, or values that hardly repeat: ids, texts, measured numbers.
    """
    if problem := why_no_labels(column):
        raise InputError(f'{file}: column "{column.name}" {problem}')


def why_no_labels(column: pd.Series) -> str | None:
    """Why a column cannot be one of labels, with the fix; None where it can."""
    values = column.dropna()
    if values.map(lambda value: isinstance(value, list | tuple | dict | np.ndarray)).any():
        return "holds lists or records; a row has one label here: make one column of one label a row (--label COLUMN)"
    values = values.astype(str).str.strip()
    values = values[values.ne("")]
    if values.empty:
        return "is empty in all rows; name the column that holds the labels: --label COLUMN"
    counts = values.value_counts()
    if len(counts) == 1:
        return (
            f'holds one class alone, "{counts.index[0]}"; what is wrong is found by what sets classes apart, which '
            "takes two: name another column (--label COLUMN), or add rows of other classes"
        )
    alone = int(counts[counts.eq(1)].sum())
    if _has_decimals(values) and (len(counts) > 20 or alone > len(values) / 2):
        return (
            f"holds numbers that were measured, such as {values.iloc[0]}, and not classes; put them into a few named "
            "ranges first (low, middle, high), or name another column (--label COLUMN)"
        )
    if alone > len(values) / 2:
        return (
            f"holds {len(counts):,} different values in {len(values):,} rows, {alone:,} of them once alone, as ids or "
            f"free texts do; a class has several rows: name another column (--label COLUMN)"
        )
    return None


def class_count(column: pd.Series) -> int:
    """How many different values there are; an empty cell is none.

    >>> class_count(pd.Series(["a", "b", " ", "a", None]))
    2
    """
    values = column.dropna().astype(str).str.strip()
    return int(values[values.ne("")].nunique())


def median_letters(column: pd.Series) -> float:
    """Letters in the median value; 0 where most values are no text."""
    values = [value for value in column.dropna() if isinstance(value, str) and value.strip()]
    counts = [sum(map(str.isalpha, value[:2000])) for value in values[:SEEN]]
    return float(np.median(counts)) if counts else 0.0


def name_pictures(column: pd.Series) -> bool:
    """Whether the values are names of picture files."""
    values = column.dropna()
    ends = r"\S.*\.(png|jpe?g|gif|webp|bmp|tiff?)"
    return not values.empty and bool(values.astype(str).str.fullmatch(ends, case=False).mean() > 0.9)


def are_numbers(column: pd.Series) -> bool:
    """Whether all values are whole numbers."""
    return bool(column.dropna().astype(str).str.fullmatch(r"-?\d+(\.0+)?").all())


def _has_decimals(values: pd.Series) -> bool:
    return bool(values.str.fullmatch(r"[-+]?\d*\.\d*[1-9]\d*(e[-+]?\d+)?", case=False).mean() > 0.5)


def kind_of(column: pd.Series) -> str:
    """What the values are, in a word or two, for a message."""
    if column.dropna().empty:
        return "empty"
    if name_pictures(column):
        return "names of pictures"
    return "numbers" if are_numbers(column) else "short values" if median_letters(column) < 8 else "text"


def is_split(column: pd.Series) -> bool:
    """Whether the values name parts of a data set, such as train and test."""
    values = {str(value).strip().casefold() for value in column.dropna().unique()[:20]}
    return len(values) > 1 and values <= _SPLITS


def determines(frame: pd.DataFrame, fine: str, coarse: str) -> bool:
    """Whether a row's value in one column hardly ever leaves another open."""
    both = frame[[fine, coarse]].dropna().astype(str)
    if both.empty:
        return False
    counts = both.value_counts(sort=False)
    return bool(counts.groupby(level=0).max().sum() >= _DETERMINED * len(both))
