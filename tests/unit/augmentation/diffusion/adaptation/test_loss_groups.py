from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tilth.augmentation.diffusion.adaptation.loss_groups import (
    ONE_GROUP,
    LossGroups,
    explained_variance,
    find_groups,
    groups_of,
)

ROWS = np.arange(48)


def table(**columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame({f"meta.{name}": values for name, values in columns.items()}, index=range(48))


def blobs() -> np.ndarray:
    """Two kinds of texts, which lie apart in meaning: the even rows and the odd ones."""
    vectors = np.random.default_rng(0).normal(0, 0.05, (48, 4))
    vectors[::2, 0] += 1
    vectors[1::2, 1] += 1
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_variance_between_groups_by_hand() -> None:
    # Squares within the groups: 4, by 4 - 2; in all: 8, by 4 - 1. So 1 - (4 / 2) / (8 / 3).
    assert explained_variance(np.array([0, 0, 1, 1]), np.array([1.0, 3.0, 3.0, 5.0])) == pytest.approx(0.25)
    assert explained_variance(np.zeros(4, dtype=int), np.arange(4.0)) == 0.0
    assert explained_variance(np.arange(4), np.arange(4.0)) == 0.0  # a group each explains all, and says nothing


def test_the_column_that_tells_losses_apart_makes_the_groups() -> None:
    widget = ["widget"] * 24 + ["email"] * 12 + ["phone"] * 12
    frame = table(channel=widget, day=["mon", "tue"] * 24, ticket=[str(k) for k in range(48)])
    losses = np.array([2.0, 2.2] * 12 + [5.0, 5.2] * 12)
    groups = find_groups(frame, blobs(), ROWS, ROWS, losses, seed=0)
    assert (groups.by, groups.names) == ("channel", ("email", "phone", "widget", "others"))
    assert groups.codes(frame, blobs()).tolist() == [2] * 24 + [0] * 12 + [1] * 12
    again = groups_of(groups.to_json())
    assert again == groups
    other = pd.DataFrame({"meta.channel": ["widget", "letter", None]})
    assert again.codes(other, np.zeros((3, 4))).tolist() == [2, 3, 3]
    assert again.codes(pd.DataFrame({"text": ["a"]}), np.zeros((1, 4))).tolist() == [3]


def test_values_that_few_texts_measure_are_one_group_together() -> None:
    frame = table(channel=["widget"] * 30 + ["email"] * 9 + ["letter"] * 9)
    losses = np.array([2.0] * 30 + [5.0] * 18)
    groups = find_groups(frame, blobs(), ROWS, ROWS, losses, seed=0)
    assert groups.names == ("widget", "others")
    assert groups.codes(frame, blobs())[[0, 30, 47]].tolist() == [0, 1, 1]


def test_clusters_stand_in_where_no_column_tells_losses_apart() -> None:
    frame = table(channel=["widget"] * 24 + ["email"] * 24)
    losses = np.where(ROWS % 2, 2.0, 5.0)
    groups = find_groups(frame, blobs(), ROWS, ROWS, losses, seed=0)
    assert groups.by == "cluster"
    codes = groups.codes(frame, blobs())
    assert len(set(codes[::2])) == len(set(codes[1::2])) == 1
    assert codes[0] != codes[1]
    assert groups_of(groups.to_json()).codes(frame, blobs()).tolist() == codes.tolist()


def test_where_nothing_tells_losses_apart_all_rows_are_one_group() -> None:
    frame = table(channel=["widget"] * 24 + ["email"] * 24)
    groups = find_groups(frame, blobs(), ROWS, ROWS, np.tile([1.0, 1.0, 3.0, 3.0], 12), seed=0)
    assert groups == ONE_GROUP == groups_of(None) == LossGroups("", ("all",))
    assert groups.codes(frame, blobs()).tolist() == [0] * 48
    assert find_groups(frame.iloc[:4], blobs()[:4], ROWS[:4], ROWS[:4], np.arange(4.0), seed=0) == ONE_GROUP
