"""What a labeling function sees of a row, and the embeddings behind `x.similar_to`."""

from __future__ import annotations

import copy
import gc
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_object_dtype

_META = "meta."
_HIDDEN = ("_position", "_vectors", "_mutable")
"""What a row holds beside its columns; a column of such a name is not seen."""
_MUTABLE = (list, dict, set, bytearray, np.ndarray)


class RowSimilarities:
    """Cosines of rows to phrases: the rows' embeddings are made when the first function wants them.

    Attributes:
        compute: gives the similarities; a guarded process sets it to a request to its parent, which alone may run the
            encoder.
    """

    def __init__(self, rows: Callable[[], np.ndarray], encode: Callable[[list[str]], np.ndarray]) -> None:
        self._rows, self._encode = rows, encode
        self._known: dict[tuple[str, ...], list[float]] = {}
        self._failed: dict[tuple[str, ...], Exception] = {}
        self.compute: Callable[[tuple[str, ...]], np.ndarray] = self.similarities

    def similarities(self, phrases: tuple[str, ...]) -> np.ndarray:
        """Largest cosine of each row to any of the phrases, float32, shape (rows,).

        Raises:
            RuntimeError: the encoder failed.
        """
        try:
            return np.asarray((self._rows() @ self._encode(list(phrases)).T).max(axis=1))
        except Exception as error:
            raise RuntimeError(f"the encoder failed, not the function: {type(error).__name__}: {error}") from error

    def similarity(self, row: int, phrases: tuple[str, ...]) -> float:
        """Largest cosine of one row to any of the phrases."""
        if phrases in self._failed:  # once is enough: the encoder takes its time for each row
            raise self._failed[phrases]
        if phrases not in self._known:
            try:
                self._known[phrases] = self.compute(phrases).tolist()
            except Exception as error:
                self._failed[phrases] = error
                raise
        return self._known[phrases][row]


class Row(SimpleNamespace):
    """What a labeling function sees: `text`, the kept input columns by their plain names, and `similar_to`.

    `x["text"]`, `x.get("text")`, `"text" in x` and `x.keys()` answer as those of the pandas row do that Snorkel hands
    to a function. It cannot be changed, so that no function sees what another did to it; Snorkel's preprocessors get a
    copy that can.
    """

    def __init__(self, position: int, vectors: RowSimilarities, values: Mapping[str, Any]) -> None:
        super().__init__()
        self.__dict__.update(values, _position=position, _vectors=vectors)

    def similar_to(self, *phrases: str) -> float:
        """Largest cosine similarity, -1 to 1, of the text to any of the phrases under the night's encoder."""
        return self._vectors.similarity(self._position, phrases)

    def keys(self) -> list[str]:
        """The names of its columns."""
        return _columns(self)

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a column, or the default where there is no such column."""
        return vars(self)[name] if name in self else default

    def __contains__(self, name: object) -> bool:
        return name in vars(self) and name not in _HIDDEN

    def __getitem__(self, name: str) -> Any:
        if name in self:
            return vars(self)[name]
        raise KeyError(f"{name}: no such column; there {_are(_columns(self))}")

    def __getattr__(self, name: str) -> Any:
        """Called only where there is no such attribute."""
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(f'no column "{name}"; there {_are(_columns(self))}')

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    def __delitem__(self, name: str) -> None:
        delattr(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        raise _immutable(name)

    def __delattr__(self, name: str) -> None:
        raise _immutable(name)

    def __reduce__(self) -> Any:
        """Snorkel copies a row by pickling it before its preprocessors change it."""
        values = {name: vars(self)[name] for name in _columns(self)}
        return _loose, (self._position, _reference(self._vectors), values)


class _Loose(Row):
    """The copy that a preprocessor may change."""

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value

    def __delattr__(self, name: str) -> None:
        del self.__dict__[name]


_ALIVE: weakref.WeakValueDictionary[int, RowSimilarities] = weakref.WeakValueDictionary()


def _reference(vectors: RowSimilarities) -> int:
    """A number that stands for the vectors in a pickle, which never leaves this process."""
    _ALIVE[id(vectors)] = vectors
    return id(vectors)


def _loose(position: int, vectors: int, values: Mapping[str, Any]) -> _Loose:
    return _Loose(position, _ALIVE[vectors], values)


def _columns(row: Row) -> list[str]:
    """The names of a row's columns, of which one may be called "keys"."""
    return [name for name in vars(row) if name not in _HIDDEN]


def _are(names: Sequence[str]) -> str:
    return f"{'is' if len(names) == 1 else 'are'} {', '.join(sorted(names))}"


def _immutable(name: str) -> AttributeError:
    return AttributeError(f'a row may not be changed, and "{name}" was; keep the value in a variable')


def build_rows(frame: pd.DataFrame, vectors: RowSimilarities, chosen: Sequence[int] | None = None) -> list[Row]:
    """A row object for each row of the frame, or for those at the chosen positions, in order."""
    positions = range(len(frame)) if chosen is None else chosen
    taken = frame if chosen is None else frame.iloc[np.asarray(chosen, dtype=np.int64)]
    shown = {name.removeprefix(_META): name for name in frame.columns if name.startswith(_META)}
    columns = {plain: taken[name].tolist() for plain, name in shown.items() if plain not in _HIDDEN}
    columns["text"] = taken["text"].tolist()  # an input column of that name cannot take its place
    columns |= {"_position": list(positions), "_vectors": [vectors] * len(positions)}
    mutable = [
        name
        for name, values in columns.items()
        if _META + name in frame
        and is_object_dtype(frame[_META + name])
        and any(isinstance(value, _MUTABLE) for value in values)
    ]
    if mutable:
        columns["_mutable"] = [mutable] * len(positions)
    new = Row.__new__
    with _no_collection():
        # Past the constructor and column by column, which takes a quarter of the time.
        rows = [new(Row) for _ in positions]
        attributes = [row.__dict__ for row in rows]
        for name, values in columns.items():
            for one, value in zip(attributes, values, strict=True):
                one[name] = value
    return rows


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without the collector's rounds, of which a hundred thousand new objects cause many, this is six times as fast."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def with_own_mutables(rows: Sequence[Row]) -> Sequence[Row]:
    """The rows with copies of their lists and the like, so that no function sees what another did to them."""
    kinds = vars(rows[0]).get("_mutable") if rows else None
    if not kinds:
        return rows
    copies = []
    for row in rows:
        values = {name: vars(row)[name] for name in _columns(row)}
        values |= {name: copy.deepcopy(values[name]) for name in kinds}
        copies.append(Row(row._position, row._vectors, values))
    return copies


def _whole(value: Any) -> Any:
    """A value whose `repr` leaves nothing out, as an array's does."""
    return value.tolist() if isinstance(value, np.ndarray) else value


def keys_of(frame: pd.DataFrame) -> np.ndarray:
    """A 64-bit digest of each row's content, uint64, shape (rows,): all that a function may see of it.

    Among a million rows two share one with probability 3e-8.
    """
    names = sorted(name for name in frame.columns if name.startswith(_META))
    texts = frame["text"].tolist()
    columns = [[_whole(value) for value in frame[name].tolist()] for name in names]
    parts = texts if not names else map(repr, zip(texts, *columns, strict=True))
    head = blake2b("\x1f".join(names).encode(), digest_size=8)
    digests = bytearray()
    for part in parts:
        one = head.copy()
        one.update(part.encode("utf-8", "surrogatepass"))
        digests += one.digest()
    return np.frombuffer(bytes(digests), dtype=np.uint64)
