"""What the benchmark of real errors counts, by hand."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("real_errors")


@pytest.fixture
def noise(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("_noise")


def test_the_calibration_error_by_hand(bench: Any) -> None:
    # Four labels of quality 0.9, three of them right, and one of 0.1 that is right: (4 x 0.15 + 1 x 0.9) / 5.
    right, quality = np.array([1, 1, 1, 0, 1], dtype=bool), np.array([0.9, 0.9, 0.9, 0.9, 0.1])
    assert bench.calibration_error(right, quality) == pytest.approx((4 * 0.15 + 0.9) / 5)
    assert bench.calibration_error(np.array([True]), np.array([1.0])) == 0.0


def test_the_best_of_cleanlab_is_chosen_by_the_truth(bench: Any) -> None:
    codes = np.array([0] * 10 + [1] * 10)
    probabilities = np.where(np.eye(2, dtype=bool)[codes], 0.9, 0.1)
    probabilities[3] = [0.05, 0.95]
    wrong = np.arange(20) == 3
    figures, default = bench.of_cleanlab(codes, probabilities, wrong)
    assert figures["cleanlab_f1"] == max(figures["filters"].values()) == 1.0
    assert figures["cleanlab_ap"] == 1.0
    assert default.shape == (20,)
    assert set(figures["filters"]) == set(bench.FILTERS)


def test_one_vote_of_each_row_is_taken_among_those_cast(noise: Any) -> None:
    votes = np.array([[0, np.nan, 1], [np.nan, 1, np.nan]] * 200)
    taken = noise.one_of(votes, np.random.default_rng(0))
    assert set(taken[1::2]) == {1}
    assert 70 < int(taken[::2].sum()) < 130, "either of two votes as often"


def test_a_weak_model_leaves_what_it_learned_from_and_errs_elsewhere(noise: Any) -> None:
    texts = [f"{'refund' if row % 2 else 'slow'} {row}" for row in range(40)] + ["refund", "slow"]
    truth = np.array([row % 2 for row in range(40)] + [0, 1])  # the last two mean the other thing than their words
    said = noise.weakly_predicted(texts, truth, np.random.default_rng(0))
    assert (said != truth).sum() <= 2
    assert (said[:40] == truth[:40]).all()


def test_cells_are_kept_line_by_line_and_those_of_other_code_are_measured_again(bench: Any, tmp_path: Path) -> None:
    file = tmp_path / "sentfin.weak_model.jsonl"
    for seed, code in ((10, "old"), (11, "new"), (12, "new")):
        bench._keep(file, {"seed": seed, "code": code, "f1": 0.5})
    assert sorted(bench._measured(file, "new")) == [11, 12]
    assert len([json.loads(line) for line in file.read_text().splitlines()]) == 3
    found = list(bench.cells([bench.RULES, "sentfin"], ["rules", "none", "weak_model"], 2))
    rules, weak = (bench.RULES, "rules"), ("sentfin", "weak_model")
    as_they_came = [(name, "none", 10) for name in (bench.RULES, "sentfin")]
    assert found == [(*rules, 10), *as_they_came, (*weak, 10), (*rules, 11), (*weak, 11)]
