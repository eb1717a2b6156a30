"""The label matrix: one column of votes a labeling function, and how it is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tilth.weak_supervision.functions import LoadedFunction
from tilth.weak_supervision.voting.applier import ABSTAIN


@dataclass(frozen=True, kw_only=True)
class Ballot:
    """How one function voted.

    Attributes:
        function: the function.
        votes: int16, shape (rows,), -1 where it abstains or raised; None where it is left out.
        failures: rows on which it raised.
        error: why it is left out, or "".
        remark: what is odd about it, though it is used, or "".
        seconds: what it took tonight.
        calls: rows that it was applied to tonight; the other votes come from the cache.
    """

    function: LoadedFunction
    votes: np.ndarray | None = None
    failures: int = 0
    error: str = ""
    remark: str = ""
    seconds: float = 0.0
    calls: int = 0

    @property
    def column(self) -> np.ndarray:
        """The votes of a function that has some."""
        if self.votes is None:
            raise ValueError(f"{self.function.name} is left out: {self.error}")
        return self.votes


def full_name(ballot: Ballot) -> str:
    """The name of a ballot's function, with its task's before it."""
    return f"{ballot.function.task}.{ballot.function.name}"


def write_label_matrix(frame: pd.DataFrame, free: np.ndarray, ballots: Sequence[Ballot], scratch: Path) -> Path:
    """One row a row of the table and one int16 column a function, -1 where it abstains and on gold rows."""
    columns: dict[str, Any] = {"id": frame["id"].to_numpy(dtype=object)}
    for ballot in ballots:
        whole = np.full(len(frame), ABSTAIN, dtype=np.int16)
        whole[free] = ballot.column
        columns[full_name(ballot)] = whole
    path = scratch / "votes.parquet"
    pd.DataFrame(columns).to_parquet(path, index=False)
    return path
