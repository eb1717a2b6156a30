from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset

from tests.small_table import ROWS, TASKS, make_table
from tests.unit.augmentation.test_stage import resources
from tilth.augmentation.selection import fit_label_agreement
from tilth.learn import Evidence
from tilth.samples import to_pandas


def test_agreement_is_by_a_model_that_never_saw_the_parent(samples: Dataset, evidence: Evidence) -> None:
    models = fit_label_agreement(to_pandas(samples), TASKS[1], evidence)
    for row in np.flatnonzero(models.codes >= 0):
        model = models.models[models.folds[row]]
        agreement, _ = models.agreement(np.array([row]), evidence.embeddings()[[row]])
        assert model is not None
        own = models.held_out_probabilities[row, models.codes[row]]  # fewer than 20 rows: the temperature is 1
        odds = 3 * own / ((1 - own) / 2)  # three in four keep their label; two other labels share the rest
        assert agreement[0] == pytest.approx(odds / (1 + odds), abs=1e-4)
    assert (models.codes[-4:] == -1).all()  # unlabeled and gold rows are not learned from


def test_with_one_label_a_class_a_paraphrase_must_be_nearer_to_its_own(tmp_path: Path) -> None:
    firsts = pd.DataFrame(ROWS).drop_duplicates(4).dropna(subset=[4])
    samples = make_table([tuple(row) for row in firsts.itertuples(index=False)])
    evidence = resources(samples, tmp_path).evidence
    models = fit_label_agreement(to_pandas(samples), TASKS[1], evidence)
    rows = np.flatnonzero(models.codes >= 0)
    assert len(rows) == len(set(models.codes[rows])) > 2
    vectors = evidence.embeddings()[rows]
    agreement, first = models.agreement(rows, vectors)
    assert first.all()
    assert (agreement > 0.5).all()
    agreement, first = models.agreement(rows, np.roll(vectors, 1, axis=0))  # texts of another class
    assert not first.any()
    assert (agreement < 0.5).all()
