"""What the search for a smaller model starts from: the night's full model, and what won last night."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tilth.samples import Split, Status, picture_alone
from tilth.stage import Resources
from tilth.training.fitting import FittedModel, encoder_config, fit_without_held_out
from tilth.training.inputs import FOLDS, Config, folds_of
from tilth.training.views import Wording, WordingTrial

if TYPE_CHECKING:
    from tilth.training.compression import Fold, FullModel, Winner
    from tilth.training.export import TrunkGraphs


_FEWEST_READ = 1_000
"""Texts by which shapes are looked at, however few steps of distillation there are."""


def full_model(
    frame: pd.DataFrame,
    fitted: FittedModel,
    wording: Wording,
    graphs: TrunkGraphs,
    source: Path,
    write: Callable[..., dict[str, Any]],
    limit: int,
    config: Config,
    resources: Resources,
) -> FullModel:
    """The night's model, and the rows that smaller ones learn from and are measured on.

    Args:
        frame: the table.
        fitted: the model.
        wording: the view beside the encoder.
        graphs: the encoder's.
        source: its folder.
        write: as `FullModel.write`.
        limit: tokens of a text that the encoder reads at once.
        config: `[training]`.
        resources: the night's.
    """
    from tilth.training.compression import FullModel

    rows, reads, folds = fitted.training_set, encoder_config(resources), folds_of(frame)
    held_out = np.any([rows.measured(task) for task in rows.tasks], axis=0)
    readable, transfer_rows = _read_rows(frame, held_out)
    return FullModel(
        texts=frame["text"].tolist(),
        tasks=rows.tasks,
        codes=rows.codes,
        labeled=rows.labeled,
        measured={task.name: rows.measured(task) for task in rows.tasks},
        softening=rows.softening,
        original=rows.original,
        readable=readable,
        transfer_rows=transfer_rows,
        extra_texts=_paraphrases(frame, resources, held_out),
        most_texts=max(config.contract.most_steps * config.batch_size, _FEWEST_READ),
        heads=fitted.heads,
        fit_without_held_out=lambda: fit_without_held_out(fitted.training_set, fitted.embeddings, fitted.heads),
        embeddings=fitted.embeddings,
        tuned=fitted.trunk,
        wording=wording,
        source=source,
        graphs=graphs,
        limit=limit,
        max_chunks=reads.max_chunks,
        batch_size=config.batch_size,
        device=config.device,
        seed=resources.seed,
        write=write,
        scratch=_new_folder(resources.scratch / "candidates"),
        folds=folds,
        further_folds=_further_folds(frame["text"].tolist(), folds, fitted, wording, config),
    )


def _further_folds(
    texts: list[str], folds: np.ndarray, fitted: FittedModel, wording: Wording, config: Config
) -> list[Fold]:
    """Rows to measure by beside the held-out ones; none of a trained encoder, which has learned from them."""
    from tilth.training.compression import Fold

    if fitted.trunk is not None:
        return []
    found = []
    for number in range(1, FOLDS):
        rows = replace(fitted.training_set, held_out=folds == number)
        found.append(
            Fold(
                number=number,
                measured={task.name: rows.measured(task) for task in rows.tasks},
                fit=partial(fit_without_held_out, rows, fitted.embeddings, fitted.heads),
                wording=wording.measured_by(WordingTrial(texts, rows, config)),
            )
        )
    return found


def _new_folder(path: Path) -> Path:
    path.mkdir()
    return path


def _read_rows(frame: pd.DataFrame, held_out: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows whose text may be read, and those of them that a smaller model may learn from; boolean, shape (rows,)."""
    readable = frame["split"].ne(Split.GOLD).to_numpy(dtype=bool) & ~picture_alone(frame)
    junk = frame["status"].eq(Status.QUARANTINED).to_numpy(dtype=bool)
    return readable, readable & ~junk & ~held_out


def _paraphrases(frame: pd.DataFrame, resources: Resources, held_out: np.ndarray) -> list[str]:
    """Every readable one of the night but those of held-out rows, which the rows would be known by."""
    if resources.candidates is None:
        return []
    parents = set(frame["id"][held_out])
    found = pd.read_parquet(resources.candidates, columns=["parent_id", "text"])
    in_table = set(frame["text"])
    return [text for parent, text in found.itertuples(index=False) if parent not in parents and text not in in_table]


def last_winner(resources: Resources) -> Winner | None:
    """What last night's contract was kept by."""
    from tilth.training.compression import Winner

    return Winner.load(resources.carried) if resources.carried is not None else None


def keep_winner(winner: Winner | None, resources: Resources) -> Path | None:
    """The folder from which the next night knows the winner; None where there is none."""
    if winner is None:
        return None
    carried = resources.scratch / "carried"
    carried.mkdir()
    winner.save(carried)
    return carried
