from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.small_table import make_table
from tests.unit.augmentation.test_stage import added, night
from tilth.augmentation import worth
from tilth.augmentation.config import Config


def test_no_curve_is_drawn_where_the_config_settles_it() -> None:
    for when in ("always", "never"):
        nobody: Any = None
        assert worth.estimate(nobody, [], [], Config(when=when), 0, nobody) is None


WORDS = {"refund": "refund money bank", "slow": "slow evening buffering", "outage": "red light outage"}
PLAIN = [
    (f"{intent}{k}", f"{words} please w{k}", "train", "billing" if intent == "refund" else "network", intent)
    for intent, words in WORDS.items()
    for k in range(60)
]


def test_a_night_that_is_unlikely_to_gain_generates_nothing_and_leaves_the_denoiser_alone(tmp_path: Path) -> None:
    result = night(make_table(PLAIN), tmp_path / "night")
    assert result.skipped is not None
    assert result.skipped.startswith("paraphrases are unlikely to help: by the learning curve of tonight's labels")
    assert (
        "those of 4 rows would add 0.0000 to macro-F1, and no gain below 0.0056 can be seen" in result.skipped
    )  # 1/180
    assert 'augmentation.when = "always"' in result.skipped
    assert result.samples.num_rows == len(PLAIN)
    assert result.metrics["worth"]["gain"] == 0
    assert [figure.title for figure in result.figures] == ["Learning curve", "What paraphrases would be worth"]
    assert result.carried is None  # the night then hands on what it was given


def first(labels: int) -> list[tuple[str, str, str, str, str]]:
    """So many rows of each class."""
    return [row for row in PLAIN if int(row[1].rpartition("w")[2]) < labels]


def test_few_labels_have_a_curve_too(tmp_path: Path) -> None:
    result = night(make_table(first(4)), tmp_path)
    assert result.skipped is not None
    assert len(result.metrics["worth"]["curve"]) == 3
    assert result.metrics["worth"]["visible"] >= round(1 / 12, 4)


def test_of_fewer_labels_half_says_nothing_so_that_they_generate(tmp_path: Path) -> None:
    assert night(make_table(first(3)), tmp_path).skipped is None


def test_a_night_that_always_wants_them_generates_all_the_same(tmp_path: Path) -> None:
    result = night(make_table(PLAIN), tmp_path, when="always")
    assert result.skipped is None
    assert len(added(result)) == result.metrics["candidates"] > 0
