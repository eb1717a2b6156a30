"""Text for training to learn from without a label: every candidate that reads well, as `candidates.parquet`.

Distillation asks the teacher for its label, consistency asks for the answer that its parent gets: neither needs a
candidate that the gate accepted, but one that a person might have written.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tilth.augmentation.drawing import Drawn
from tilth.augmentation.gating import Gated, read
from tilth.augmentation.night_inputs import NightInputs
from tilth.samples import Reason
from tilth.store import CANDIDATES
from tilth.text import normal_form

_NUMBERS = ("noise_level", "similarity", "label_agreement", "changed", "novelty", "readable")
SCHEMA = pa.schema(
    {"parent_id": pa.string(), "text": pa.string(), **dict.fromkeys(_NUMBERS, pa.float32()), "accepted": pa.bool_()}
)
"""Columns of `candidates.parquet`: the row that a text is a paraphrase of, what the gate measured of it (as in
`tilth.augmentation.selection.CandidateMeasures`; `label_agreement` is null where the parent has no label), and whether
it is among the accepted paraphrases of the table."""


@dataclass(frozen=True)
class Transfer:
    """What of a night's draw is published for training.

    Attributes:
        artifacts: The file, where any text reads well.
        metrics: `candidates`, `accepted` among them, and `seconds` that nobody but training asked for.
    """

    artifacts: Mapping[str, Path] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)


def publish(inputs: NightInputs, drawn: Drawn, gated: Gated, *, seconds: float) -> Transfer:
    """Reads the candidates that the gate turned away unread, and writes all that read well.

    Copies of a row, texts of gold, repeats of one another and what a person refused are left out.

    Args:
        inputs: The night's.
        drawn: Its draw.
        gated: The candidates with their measures.
        seconds: That the draw took, where it was made for transfer text alone, else 0.
    """
    started = time.monotonic()
    table = _readable(inputs, drawn, gated)
    accepted = int(table["accepted"].sum())
    spent = round(seconds + time.monotonic() - started, 2)
    metrics = {"transfer": {"candidates": len(table), "accepted": accepted, "seconds": spent}}
    if table.empty:
        return Transfer(metrics=metrics)
    path = inputs.resources.scratch / CANDIDATES
    pq.write_table(pa.Table.from_pandas(table, SCHEMA, preserve_index=False), path, compression="zstd")
    return Transfer({CANDIDATES: path}, metrics)


def _readable(inputs: NightInputs, drawn: Drawn, gated: Gated) -> pd.DataFrame:
    candidates, measures, gate = gated.pool.candidates, gated.pool.measures, inputs.config.gate
    fit, problems, readable = _fit(inputs, gated), gated.problems.copy(), measures.readable.copy()
    unread = fit & np.isnan(problems)
    if unread.any():
        reading = read(inputs, drawn, unread)
        problems[unread], readable[unread] = reading.problems[unread], reading.readable[unread]
    chosen = fit & (problems <= gate.grammar) & (readable >= gate.readable)
    table = pd.DataFrame(
        {
            "parent_id": inputs.frame["id"].to_numpy()[candidates.parents],
            "text": candidates.texts,
            "noise_level": candidates.noise_levels,
            "similarity": measures.similarity,
            "label_agreement": measures.agreement,
            "changed": measures.changed,
            "novelty": measures.novelty,
            "readable": readable,
            "accepted": gated.accepted,
        }
    )[chosen]
    # Of repeats the accepted one stays.
    first = ~table.sort_values("accepted", ascending=False, kind="stable")["text"].map(normal_form).duplicated()
    return table[first.reindex(table.index)]


def _fit(inputs: NightInputs, gated: Gated) -> np.ndarray:
    """Which candidates would teach something, were they to read well (candidates,)."""
    candidates, measures = gated.pool.candidates, gated.pool.measures
    refused = np.array([reason is Reason.REFUSED for reason in gated.reasons], dtype=bool)
    said = np.array([bool(normal_form(text)) for text in candidates.texts], dtype=bool)
    return said & ~refused & ~measures.leaks & (measures.novelty >= inputs.config.gate.novelty)
