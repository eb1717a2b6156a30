from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from tilth.augmentation.quality import acceptability_adaptation
from tilth.augmentation.quality.acceptability import AcceptabilityChecker
from tilth.augmentation.quality.acceptability_adaptation import FILE, adapt_acceptability
from tilth.augmentation.quality.acceptability_training import recombination_pairs, share_of_peak

REQUESTS = ("how do i change {}", "can you tell me how to change {}", "i want to change {}", "please change {} now")
THINGS = [
    f"my {word}"
    for word in [
        "address",
        "name",
        "pin",
        "card",
        "phone",
        "number",
        "email",
        "bank",
        "plan",
        "limit",
        "colour",
        "password",
    ]
]
TEXTS = [request.format(thing) for request, thing in itertools.product(REQUESTS, THINGS)]


SHIPPED = AcceptabilityChecker()


def test_recombinations_are_other_texts_than_their_sources(tokenizer: object) -> None:
    pairs = recombination_pairs(TEXTS, TEXTS, {}, tokenizer, seed=0)
    assert pairs == recombination_pairs(TEXTS, TEXTS, {}, tokenizer, seed=0)
    assert pairs
    assert all(source in TEXTS and one != source for source, one in pairs)


def test_it_is_trained_once_and_saved(tokenizer: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceptability_adaptation, "_FEWEST", 10)
    monkeypatch.setattr(acceptability_adaptation, "_SOURCES", 2 * (len(TEXTS) - 1))
    sources = {TEXTS[0]}
    first = adapt_acceptability(TEXTS, sources, {}, tokenizer, tmp_path, shipped=SHIPPED, steps=4, seed=0)
    record = json.loads((tmp_path / FILE).with_suffix(".json").read_text())
    assert record["night_steps"] == 2  # half of the texts that all steps are for, half of the steps
    change = first.change(TEXTS[:4], TEXTS[4:8])
    assert change.tolist() != SHIPPED.change(TEXTS[:4], TEXTS[4:8]).tolist()
    again = adapt_acceptability(TEXTS, sources, {}, tokenizer, tmp_path, shipped=SHIPPED, steps=0, seed=1)
    assert again.change(TEXTS[:4], TEXTS[4:8]).tolist() == change.tolist()
    later = tmp_path / "later"
    later.mkdir()
    carried = adapt_acceptability(
        TEXTS, sources, {}, tokenizer, later, shipped=SHIPPED, steps=0, seed=1, start=tmp_path
    )
    assert carried.change(TEXTS[:4], TEXTS[4:8]).tolist() == change.tolist()
    assert (later / FILE).exists()


@pytest.mark.parametrize(("texts", "steps"), [(TEXTS, 0), (TEXTS[:5], 2), ([], 2), (["one", "two words"], 2)])
def test_without_training_it_is_the_one_that_comes_with_the_package(
    texts: list[str], steps: int, tokenizer: object, tmp_path: Path
) -> None:
    found = adapt_acceptability(texts, set(), {}, tokenizer, tmp_path, shipped=SHIPPED, steps=steps, seed=0)
    assert found.change(TEXTS[:2], TEXTS[2:4]).tolist() == SHIPPED.change(TEXTS[:2], TEXTS[2:4]).tolist()
    assert not list(tmp_path.iterdir())


def test_texts_that_allow_of_no_mistake_do_not_hold_it_up(
    tokenizer: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptability_adaptation, "_FEWEST", 10)
    monkeypatch.setattr(acceptability_adaptation, "with_synthetic_error", lambda text, rng: None)
    adapt_acceptability(TEXTS, set(), {}, tokenizer, tmp_path, shipped=SHIPPED, steps=1, seed=0)
    assert (tmp_path / FILE).exists()


def test_the_rate_reaches_its_peak_in_a_tenth_of_few_steps_and_in_a_hundred_of_many() -> None:
    assert share_of_peak(5, 60) == pytest.approx(55 / 60)  # not 6 / 100 of it
    assert share_of_peak(59, 60) == pytest.approx(1 / 60)
    assert share_of_peak(49, 12_000) == pytest.approx(0.5 * (1 - 49 / 12_000))


@pytest.mark.parametrize(
    ("fewest", "few", "asked"),
    [
        (10, 40, [(20, 2)]),
        (40, 5, [(20, 2), (48, 8)]),
        (10**6, 40, [(48, 8)]),  # two of each cannot be enough
    ],
)
def test_all_texts_are_recombined_only_where_two_each_of_some_are_too_few(
    fewest: int, few: int, asked: list[tuple[int, int]], tokenizer: object, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(acceptability_adaptation, "_FEWEST", fewest)
    assert len(TEXTS) == 48
    seen = []

    def recombined(sources: list[str], *others: Any) -> list[tuple[str, str]]:
        seen.append((len(sources), others[-1]))
        pairs = recombination_pairs(sources, *others)
        return pairs[:few] if others[-1] == 2 else pairs

    monkeypatch.setattr(acceptability_adaptation, "recombination_pairs", recombined)
    adapt_acceptability(TEXTS, set(), {}, tokenizer, tmp_path, shipped=SHIPPED, steps=1, seed=0)
    assert seen == asked
    assert (tmp_path / FILE).exists() == (fewest < 10**6)


def test_a_loss_that_is_no_number_leaves_the_shipped_one(
    tokenizer: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise FloatingPointError("the loss of step 1 is not a finite number (nan)")

    monkeypatch.setattr(acceptability_adaptation, "_FEWEST", 10)
    monkeypatch.setattr(acceptability_adaptation, "train_acceptability", fails)
    assert adapt_acceptability(TEXTS, set(), {}, tokenizer, tmp_path, shipped=SHIPPED, steps=1, seed=0) is SHIPPED
    assert "not adapted to these texts: the loss of step 1" in caplog.text
    assert not list(tmp_path.iterdir())
