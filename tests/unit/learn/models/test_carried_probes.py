"""Probes of an earlier night: new rows are predicted by them, and no row by one that learned from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset

from tests.small_table import TASKS, HashingEncoder, make_table
from tilth.learn.models import out_of_fold
from tilth.learn.models.linear_probe import FittedProbe, fit_probe
from tilth.learn.shared_features import Evidence
from tilth.store import Cache, Fits

INTENT = TASKS[1]
WORDS = {"refund": "refund money back bank", "slow": "slow speed evening lag", "outage": "outage red light dead"}


def rows(count: int) -> list[tuple[str, str, str, str, str]]:
    found = []
    for number in range(count):
        intent = list(WORDS)[number % 3]
        word = WORDS[intent].split()[number % 4]
        found.append((f"r{number}", f"{word} {intent} {number}", "train", INTENT.parent_of[intent], intent))
    return found


def evidence(samples: Dataset, cache: Path, fits: Fits) -> Evidence:
    return Evidence(samples, encoder=HashingEncoder(), cache=Cache(cache), folds=3, fits=fits)  # type: ignore[arg-type]


def test_new_rows_are_predicted_by_the_probes_of_the_night_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = make_table(rows(60))
    first = evidence(samples, tmp_path / "one", Fits())
    before = first.out_of_fold(INTENT, samples["intent_given"][:])
    first.fits.write(tmp_path / "carried")

    monkeypatch.setattr(out_of_fold, "fit_probe", lambda *_: pytest.fail("fitted again"))
    more = make_table(rows(62))
    later = evidence(more, tmp_path / "another", Fits(carried=tmp_path / "carried", share=0.05))
    after = later.out_of_fold(INTENT, more["intent_given"][:])
    assert after.predicted.tolist() == [number % 3 for number in range(62)]
    logits = [np.log(found.probabilities[:60]) * found.temperature for found in (before, after)]
    differences = [one - one[:, :1] for one in logits]  # the temperature is fitted every night
    assert differences[1] == pytest.approx(differences[0], abs=1e-2)

    # The row's own fold is the one whose probe did not learn from it, in the earlier night as in this one.
    assert np.array_equal(later.folds[:60], first.folds)


def test_gold_rows_are_never_learned_from(tmp_path: Path) -> None:
    gold = [(*row[:2], "gold", *row[3:]) if number < 6 else row for number, row in enumerate(rows(60))]
    fits = Fits()
    evidence(make_table(gold), tmp_path, fits).probes.by_fold("all", np.arange(60) % 3, INTENT.labels)
    assert fits.made[0].rows == 54


def test_a_probe_gives_what_scikit_learn_gives() -> None:
    from tilth.learn import new_probe

    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, 8)).astype(np.float32)
    for seen in ([0, 2, 3], [1, 3]):
        codes = np.array(seen)[np.arange(60) % len(seen)]
        expected = np.zeros((60, 5))
        expected[:, seen] = new_probe().fit(vectors, codes).predict_proba(vectors)
        found = fit_probe(vectors, codes, 5)
        assert found.probabilities(vectors) == pytest.approx(expected, abs=1e-5)
        assert found.known.tolist() == seen
        estimator = found.as_estimator(np.array(list("abcde")))
        assert estimator.predict_proba(vectors) == pytest.approx(expected[:, seen], abs=1e-5)
        assert estimator.predict(vectors[:1]).tolist() == ["abcde"[int(expected[0].argmax())]]
    assert fit_probe(vectors, np.full(60, 2), 4).probabilities(vectors[:1]).tolist() == [[0, 0, 1, 0]]
    nothing = FittedProbe(np.zeros((4, 8), dtype=np.float32), np.full(4, -np.inf, dtype=np.float32))
    assert nothing.probabilities(vectors[:1]).tolist() == [[0.25] * 4]
