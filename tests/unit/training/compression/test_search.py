from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.small_table import TASKS
from tests.unit.training.compression.test_compressor import COSTS, WHOLE, candidate
from tilth.training.compression.compressor import Compressed
from tilth.training.compression.config import ContractConfig
from tilth.training.compression.figures import contract_figures, flipped_rows
from tilth.training.compression.search import Looked, front, order, search, spread
from tilth.training.compression.student.shape import Shape


class Six:
    """As much of a night's model of six layers as the search asks for."""

    layers = 6


def looks(seed: int = 0, known: tuple[Shape, ...] = ()) -> list[Looked]:
    full: Any = Six()
    contract = ContractConfig(trials=25)
    return search(full, COSTS, contract, seed=seed, known=known, agreement=lambda shape: len(shape.layers) / 6)


def test_the_same_seed_looks_at_the_same_shapes_and_the_known_come_first() -> None:
    winner = Shape(layers=(0, 5), heads=0.5, channels=0.3)
    found = looks(known=(winner,))
    assert found == looks(known=(winner,))
    assert found[0].shape == winner
    assert [one.shape for one in found[1:3]] == [Shape(layers=(0, 2, 5), channels=0.7), Shape(layers=(0, 2, 5))]
    assert len(found) == len({one.shape for one in found}) > 10
    assert {one.agreement for one in found} > {0.5}


def test_the_front_holds_what_no_other_beats() -> None:
    small = Looked(shape=Shape(layers=(0,)), megabytes=1, throughput=9, agreement=0.5)
    good = Looked(shape=Shape(layers=(0, 5)), megabytes=2, throughput=6, agreement=0.9)
    beaten = Looked(shape=Shape(layers=(0, 1)), megabytes=2, throughput=5, agreement=0.9)
    assert front([beaten, good, small]) == [small, good]


def test_shapes_that_keep_size_and_speed_come_first_by_agreement() -> None:
    contract = ContractConfig(size_mb=3, throughput=5)
    far = Looked(shape=Shape(layers=(0,)), megabytes=1, throughput=9, agreement=0.5)
    near = Looked(shape=Shape(layers=(0, 5)), megabytes=2, throughput=6, agreement=0.9)
    large = Looked(shape=WHOLE, megabytes=6, throughput=5, agreement=1)
    larger = Looked(shape=Shape(layers=WHOLE.layers, bits=8), megabytes=9, throughput=5, agreement=1)
    wanted = [near.shape, far.shape, large.shape, larger.shape]
    assert order([larger, far, large, near], contract, None, COSTS) == wanted
    latency = ContractConfig(latency_ms=2)
    slow = order([large, far], latency, 5 * COSTS.throughput(WHOLE, 1), COSTS)  # the whole one takes 5 ms
    assert slow[0] == far.shape


@pytest.mark.parametrize(
    ("layers", "count", "kept"), [(12, 4, (0, 3, 7, 11)), (6, 6, (0, 1, 2, 3, 4, 5)), (2, 1, (0,))]
)
def test_layers_are_spread_from_the_first_to_the_last(layers: int, count: int, kept: tuple[int, ...]) -> None:
    assert spread(layers, count) == kept


def test_the_report_says_what_was_tried_and_which_rows_flipped() -> None:
    full, other = np.array([0, 1, 1]), np.array([0, 0, 1])
    rows = flipped_rows(TASKS[0], ["a", "b", "c"], ["billing", None, "network"], full, other, "held-out train rows")
    assert rows[0].title == "area: 1 of 3 answers that flipped by compression (held-out train rows)"
    assert rows[0].data["rows"] == [["", "network", "billing", "b"]]
    assert flipped_rows(TASKS[0], ["a"], [None], full[:1], full[:1], "gold") == []
    tried = {
        "in_words": "static", "size_mb": 1.0, "points_lost": 3.0, "points_lost_interval": [1.5, 4.5],
        "measured_rows": 90, "points_lost_worst_class": None,
        "flipped": {"area": 5}, "misses": ["3.00 points lost, at most 1 are allowed"],
    }  # fmt: skip
    two = [Looked(shape=Shape(layers=(0,) * n), megabytes=n, throughput=9 - n, agreement=n / 9) for n in (1, 2)]
    figures = contract_figures(Compressed(facts={"tried": [tried], "answer": "refused", "why": "points"}, front=two))
    assert figures[0].data["rows"][0] == [
        "static",
        1.0,
        3.0,
        "1.5 to 4.5",
        90,
        "",
        5,
        "3.00 points lost, at most 1 are allowed",
    ]
    assert figures[0].note.startswith("The contract is refused: points.")
    assert figures[1].data == {"x": [1, 2], "y": [round(1 / 9, 4), round(2 / 9, 4)]}
    assert contract_figures(Compressed()) == []


def test_a_latency_is_held_by_what_was_clocked() -> None:
    from tilth.training.compression.contract import settle

    right = np.array([0] * 20 + [1] * 20)
    asked = ContractConfig(latency_ms=2.0, points_lost=1.0)
    assert settle(asked, candidate(1, right, WHOLE), COSTS, 1.9).met
    assert settle(asked, candidate(1, right, WHOLE), COSTS, 3.0).misses == ("3.00 ms a call, at most 2 are asked for",)
