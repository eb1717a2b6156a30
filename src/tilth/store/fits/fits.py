"""What is fitted on many rows, and goes on from night to night until enough of those rows have changed.

A model of all rows costs the same whether one of them is new or all, and of what a night does such fits are most. So a
fit stands in the carried state, with a digest of each row that it learned from and of all else that it rests on. A
later night takes it over while the share of rows that came, changed or went since stays below `[night] refit_share`,
and fits anew otherwise. What is decided follows from the carried state and the rows alone, never from the cache, so
that a night that is repeated with an empty cache is the same night.

A cache stands beside it: whoever is killed in the middle of a stage finds what was fitted before.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from tilth.errors import DamagedFileError
from tilth.store.cache import Cache
from tilth.store.files import digest, digest_json, link_or_copy, read_json, write_json
from tilth.store.fits.fit_records import Fit, next_name, plain_name, rows_changed

log = logging.getLogger(__name__)

FIT_DATES = "dates.json"
"""When each fit was made: no part of the state's digest, for nothing is decided by it."""
FIT_INDEX = "fits.json"
"""Names the fits of a folder."""
_ROWS = "rows learned from"


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """A fit, the digests of its rows, and what it rests on beside them, by name."""

    values: Mapping[str, np.ndarray]
    rows: np.ndarray
    basis: Mapping[str, str]
    date: str
    folder: Path | None = None


@dataclass
class Fits:
    """The fits of one stage in one night.

    Attributes:
        carried: the folder that the last night's same stage left; None where there is none.
        share: of rows that change, from which on a fit is made anew.
        date: of the night, for what is fitted in it.
        basis: what every fit rests on, as digests by a name for people.
        cache: where whoever was killed finds what was fitted; None keeps nothing.
        made: what was taken over or fitted, in that order.
    """

    carried: Path | None = None
    share: float = 0.0
    date: str = ""
    basis: Mapping[str, str] = field(default_factory=dict)
    cache: Cache | None = None
    made: list[Fit] = field(default_factory=list)
    _now: dict[str, tuple[np.ndarray, _Kept]] = field(default_factory=dict)
    """By name, the rows that were asked for, and what they got."""

    def arrays(
        self,
        name: str,
        rows: np.ndarray,
        fit: Callable[[], Mapping[str, np.ndarray]],
        *,
        basis: Mapping[str, str] | None = None,
        weights: np.ndarray | None = None,
    ) -> Mapping[str, np.ndarray]:
        """What is fitted to some rows, as named arrays: an earlier night's, or fitted now.

        Args:
            name: what is fitted. A name that comes again with other rows gets a number in its stage's order.
            rows: a digest of each row that is learned from, with its label (`row_digests`), uint64, shape (rows,).
            fit: fits it.
            basis: what it rests on beside its rows, as digests by a name for people; added to that of all fits, or
                in the place of one of them.
            weights: of the rows, where they have any. Another weight is no change of a row, for weights follow from
                what models say of it, and move with every night.
        """

        def fitted(name: str, rests_on: Mapping[str, str]) -> _Kept:
            whole = digest(plain_name(name), rows.tobytes(), digest_json(rests_on), _bytes(weights))
            values = fit() if self.cache is None else self.cache.arrays("fits", whole, fit)
            return _Kept(values=values, rows=rows, basis=rests_on, date=self.date)

        return self._take(name, rows, fitted, basis).values

    def facts(
        self, name: str, rows: np.ndarray, fit: Callable[[], Any], *, basis: Mapping[str, str] | None = None
    ) -> Any:
        """As `arrays`, of plain data."""

        def written() -> dict[str, np.ndarray]:
            whole = json.dumps(fit(), ensure_ascii=False, default=str).encode()
            return {"json": np.frombuffer(whole, dtype=np.uint8)}

        return json.loads(self.arrays(name, rows, written, basis=basis)["json"].tobytes())

    def folder(
        self,
        name: str,
        rows: np.ndarray,
        fit: Callable[[Path], None],
        *,
        into: Path,
        basis: Mapping[str, str] | None = None,
    ) -> Path:
        """As `arrays`, of files: the folder of an earlier night, which is to be read only, or one that is filled now.

        Args:
            name: what is fitted.
            rows: a digest of each row that is learned from.
            fit: puts the files into a folder.
            into: that folder, which is not there yet, below the stage's scratch.
            basis: what it rests on beside its rows.
        """

        def fitted(_: str, rests_on: Mapping[str, str]) -> _Kept:
            into.mkdir(parents=True)
            fit(into)
            return _Kept(values={}, rows=rows, basis=rests_on, date=self.date, folder=into)

        found = self._take(name, rows, fitted, basis).folder
        assert found is not None
        return found

    def write(self, folder: Path) -> bool:
        """Write the fits into a new folder, for the next night; False, and no folder, where there are none."""
        if not self._now:
            return False
        folder.mkdir(parents=True)
        index = {}
        for name, (_, kept) in sorted(self._now.items()):
            file = f"{digest(name)[:16]}.safetensors"
            values = {key: np.ascontiguousarray(value) for key, value in kept.values.items()}
            save_file({**values, _ROWS: np.sort(kept.rows)}, folder / file)
            index[name] = {"file": file, "basis": dict(kept.basis), "folder": None}
            if kept.folder is not None:
                index[name]["folder"] = Path(file).stem
                shutil.copytree(kept.folder, folder / Path(file).stem, copy_function=link_or_copy)
        write_json(folder / FIT_INDEX, index)
        write_json(folder / FIT_DATES, {name: kept.date for name, (_, kept) in sorted(self._now.items())})
        return True

    def _take(
        self,
        name: str,
        rows: np.ndarray,
        fitted: Callable[[str, Mapping[str, str]], _Kept],
        basis: Mapping[str, str] | None,
    ) -> _Kept:
        """An earlier night's fit, or a new one, entered among those of this night."""
        rests_on = {**self.basis, **(basis or {})}
        while name in self._now:
            wanted, mine = self._now[name]
            if mine.basis == rests_on and np.array_equal(wanted, rows):
                return mine
            name = next_name(name)
        earlier = self._earlier(name)
        changed = 0 if earlier is None else rows_changed(earlier.rows, rows)
        anew = self._why_anew(earlier, rests_on, changed, len(rows))
        taken = fitted(name, rests_on) if earlier is None or anew else earlier
        self._now[name] = rows, taken
        why = anew or f"{changed:,} of {len(rows):,} rows changed since, below {self.share:.1%}"
        self.made.append(
            Fit(
                name=name,
                reused=not anew,
                why=why,
                date=taken.date,
                rows=len(taken.rows),
                changed=0 if anew else changed,
            )
        )
        return taken

    def _why_anew(self, earlier: _Kept | None, basis: Mapping[str, str], changed: int, rows: int) -> str | None:
        """Why a fit is made anew, in words; None where the earlier one is taken over."""
        if earlier is None:
            return "no earlier night left one"
        if others := [one for one in {**earlier.basis, **basis} if earlier.basis.get(one) != basis.get(one)]:
            return f"changed since {earlier.date[:10]}: {', '.join(sorted(others))}"
        if changed and changed >= self.share * rows:
            return f"{changed:,} of {rows:,} rows changed since {earlier.date[:10]}, {self.share:.1%} or more"
        return None

    @cached_property
    def _index(self) -> dict[str, Any]:
        return {} if self.carried is None else _read(self.carried / FIT_INDEX)

    @cached_property
    def _dates(self) -> dict[str, str]:
        return {} if self.carried is None else _read(self.carried / FIT_DATES)

    def _earlier(self, name: str) -> _Kept | None:
        """What the last night left under a name."""
        if self.carried is None or name not in self._index:
            return None
        entry = self._index[name]
        try:
            values = load_file(self.carried / entry["file"])
            rows = values.pop(_ROWS)
        except (OSError, KeyError, SafetensorError) as error:
            log.warning("%s in %s is damaged (%s): it is fitted anew", name, self.carried, error)
            return None
        folder = self.carried / entry["folder"] if entry["folder"] else None
        return _Kept(values=values, rows=rows, basis=entry["basis"], date=self._dates.get(name, ""), folder=folder)


def _bytes(weights: np.ndarray | None) -> bytes:
    return b"" if weights is None else np.ascontiguousarray(weights, dtype=np.float64).tobytes()


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(read_json(path))
    except FileNotFoundError:
        log.warning("%s is gone (tilth forget takes such models away): what it held is fitted anew", path.parent)
    except (OSError, DamagedFileError):
        log.warning("%s is damaged: what it held is fitted anew", path)
    return {}
