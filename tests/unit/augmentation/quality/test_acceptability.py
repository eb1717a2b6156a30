from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tools.pretraining.train_acceptability import publish, written

from tilth.augmentation.quality.acceptability import (
    WEIGHTS,
    Acceptability,
    AcceptabilityChecker,
    LowRank,
    load_acceptability,
)
from tilth.augmentation.quality.acceptability_training import (
    by_turns,
    pair_batches,
    synthetic_error_batches,
    train_acceptability,
)
from tilth.augmentation.quality.grammar import added_problems, make_checkers
from tilth.augmentation.selection import GateConfig

GOOD = ["where is my new card", "why was I charged twice for this", "how do I change my address", "the fees are high"]
BAD = ["where my is new card", "why was I charged twice this for", "how do I my change address", "the are high fees"]


@pytest.fixture(scope="module")
def checker() -> AcceptabilityChecker:
    return AcceptabilityChecker()


def test_the_shipped_weights_tell_order_from_disorder(checker: AcceptabilityChecker) -> None:
    added = added_problems(checker, GOOD, BAD)
    assert (added > GateConfig().grammar).sum() >= 2
    assert added_problems(checker, BAD, GOOD).tolist() == [0, 0, 0, 0]
    assert (checker.problems(GOOD) <= GateConfig().grammar).all()


def test_it_is_part_of_what_a_newcomer_gets() -> None:
    assert "acceptability" in [one.name for one in make_checkers("auto")]


def test_odd_texts_get_a_figure(checker: AcceptabilityChecker) -> None:
    assert np.isfinite(checker.problems(["", "😀", "word " * 500])).all()
    assert checker.problems([]).tolist() == []


def test_it_fits_the_package() -> None:
    folder = WEIGHTS.parent
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 16_000_000


def test_a_change_is_nothing_at_first_and_training_makes_it_something() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = Acceptability(rank=2)
    plain = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    train_acceptability(
        model,
        synthetic_error_batches([f"{text} {tail}" for text in GOOD for tail in range(150)], seed=0),
        steps=2,
        peak=1e-3,
    )
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, plain[name])}
    assert changed
    assert changed <= set(model.trained())


def test_what_reads_worse_than_its_source_has_a_higher_score(checker: AcceptabilityChecker) -> None:
    change = checker.change(GOOD, BAD)
    assert (change > 0).all()
    assert checker.change(BAD, GOOD) == pytest.approx(-change)
    assert checker.change(GOOD, GOOD).tolist() == [0, 0, 0, 0]


def test_it_knows_what_a_recombination_breaks(checker: AcceptabilityChecker) -> None:
    sources = ["why is my top up still pending", "where is my card"]
    broken = ["why was my top up is still pending", "how is it my card is"]
    assert (checker.change(sources, broken) > 1).all()


def test_the_denoisers_own_paraphrases_are_half_of_the_second_part() -> None:
    pairs = written(GOOD, seed=0)
    assert pairs
    assert all(source in GOOD and one != source for source, one in pairs)
    marked = [(f"{source} {k}", one) for k in range(200) for source, one in pairs]
    source = by_turns(
        synthetic_error_batches([f"{text} {k}" for text in GOOD for k in range(150)], 0), pair_batches(marked, 0)
    )
    made = {pair for _ in range(2) for pair in next(source)}
    assert made & set(marked)
    assert made - set(marked)


def test_what_is_written_is_what_was_measured(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Acceptability(rank=2)
    publish(model, GOOD, list(zip(GOOD, GOOD[::-1], strict=True)), tmp_path, {})
    read, facts = load_acceptability(tmp_path / WEIGHTS.name)
    assert read.scores(GOOD) == pytest.approx(model.scores(GOOD), abs=1e-5)
    assert facts["rank"] == 2
    assert json.loads((tmp_path / "acceptability.json").read_text()) == facts
    kept = load_file(tmp_path / WEIGHTS.name)
    kept.pop(next(iter(kept)))
    save_file(kept, tmp_path / WEIGHTS.name)
    with pytest.raises(ValueError, match="does not fit"):
        load_acceptability(tmp_path / WEIGHTS.name)


def test_joined_weights_give_what_the_map_and_its_change_give() -> None:
    torch.manual_seed(0)
    layer = LowRank(torch.nn.Linear(6, 4), rank=2)
    torch.nn.init.normal_(layer.up)
    x = torch.randn(3, 6)
    learned = layer(x).detach()
    layer.eval()
    with torch.inference_mode():
        torch.testing.assert_close(layer(x), learned)
    layer.train()
    with torch.no_grad():
        layer.up.zero_()
    layer.eval()
    with torch.inference_mode():
        torch.testing.assert_close(layer(x), layer.linear(x))  # what was joined before is not taken again
