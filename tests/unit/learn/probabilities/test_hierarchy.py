from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from tests.small_table import TASKS
from tilth.learn.probabilities.hierarchy import NONE, decide
from tilth.samples import Task

TREE = [
    {"name": "area", "labels": ["billing", "network", "other"], "parent": None, "parent_of": {}},
    {
        "name": "intent",
        "labels": ["refund", "slow", "outage", "anything"],
        "parent": "area",
        "parent_of": {"refund": "billing", "slow": "network", "outage": "network"},
    },
]
SHARED = [
    {"name": "area", "labels": ["broadband", "mobile", "bills"], "parent": None, "parent_of": {}},
    {
        "name": "intent",
        "labels": ["slow", "roaming", "other"],
        "parent": "area",
        "parent_of": {"slow": "broadband", "roaming": "mobile", "other": "broadband"},
        "parents_of": {"other": ["broadband", "mobile"]},
    },
]


def said(tasks: Sequence[Mapping[str, Any]], **rows: list[list[float]]) -> list[tuple[str | None, ...]]:
    found = decide(tasks, {name: np.array(value, dtype=np.float32) for name, value in rows.items()})
    named = [[*task["labels"], None] for task in tasks]
    return [
        tuple(labels[found[task["name"]][0][row]] for task, labels in zip(tasks, named, strict=True))
        for row in range(len(next(iter(rows.values()))))
    ]


def test_the_child_decides_by_joint_probability_and_its_parent_follows() -> None:
    # refund 0.4 × 0.45 = 0.18 is more than slow's 0.3 × 0.5 = 0.15, though network alone is likelier than billing.
    assert said(TREE, area=[[0.45, 0.5, 0.05]], intent=[[0.4, 0.3, 0.25, 0.05]]) == [("billing", "refund")]


def test_a_parent_without_a_child_leaves_it_to_the_label_that_no_parent_is_known_of() -> None:
    assert said(TREE, area=[[0.1, 0.1, 0.8]], intent=[[0.5, 0.3, 0.1, 0.1]]) == [("other", "anything")]


def test_a_label_under_several_parents_goes_with_the_likelier_of_them() -> None:
    rows = {
        "area": [[0.3, 0.6, 0.1], [0.6, 0.3, 0.1], [0.1, 0.2, 0.7]],
        "intent": [[0.1, 0.2, 0.7], [0.1, 0.2, 0.7], [0.1, 0.1, 0.8]],
    }
    # Below bills stands no intent at all, so that the third row has none.
    assert said(SHARED, **rows) == [("mobile", "other"), ("broadband", "other"), ("bills", None)]


def one_by_one(
    tasks: Sequence[Mapping[str, Any]], probabilities: Mapping[str, np.ndarray]
) -> dict[str, list[tuple[int, float]]]:
    """What `decide` says, row by row and label by label, in plain loops."""
    known = {task["name"]: task for task in tasks if task["name"] in probabilities}
    count = len(next(iter(probabilities.values()), ()))
    out: dict[str, list[tuple[int, float]]] = {name: [] for name in known}
    for row in range(count):
        chances: dict[str, list[float]] = {}
        up: dict[str, list[list[int]]] = {}
        for name, task in known.items():
            above = known.get(task["parent"])
            names = [] if above is None else list(above["labels"])
            up[name], chances[name] = [], []
            for code, label in enumerate(task["labels"]):
                allowed = task.get("parents_of", {}).get(label) or [task["parent_of"].get(label)]
                up[name].append([names.index(parent) for parent in allowed if parent in names])
                best = max((chances[task["parent"]][parent] for parent in up[name][-1]), default=1.0)
                chances[name].append(float(probabilities[name][row, code]) * best)
        fixed: dict[str, int] = {}
        for name in reversed(list(known)):
            if name in fixed:
                continue
            options, parent = list(range(len(chances[name]))), known[name]["parent"]
            if parent in known:
                wanted = fixed.get(parent, int(probabilities[parent][row].argmax()))
                if parent in fixed or not any(wanted in parents for parents in up[name]):
                    options = [code for code in options if not up[name][code] or wanted in up[name][code]]
            fixed[name] = max(options, key=lambda code: chances[name][code], default=NONE)
            while fixed[name] != NONE and up[name][fixed[name]] and known[name]["parent"] not in fixed:
                parent = known[name]["parent"]
                fixed[parent] = max(up[name][fixed[name]], key=lambda code: chances[parent][code])
                name = parent  # noqa: PLW2901
        for name, code in fixed.items():
            out[name].append((code, float(probabilities[name][row, code]) if code != NONE else 0.0))
    return out


def _any_tasks(rng: np.random.Generator) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = []
    for place in range(rng.integers(1, 5)):
        labels = [f"{place}-{code}" for code in range(rng.integers(1, 6))]
        task: dict[str, Any] = {"name": f"task{place}", "labels": labels, "parent": None, "parent_of": {}}
        if tasks and rng.random() < 0.8:
            above = tasks[rng.integers(len(tasks))]
            names = [*above["labels"], "undeclared"]
            placed = [label for label in labels if rng.random() < 0.85]
            task["parent"] = above["name"]
            task["parents_of"] = {
                label: rng.permutation(names)[: rng.integers(2, 4)].tolist() for label in placed if rng.random() < 0.3
            }
            task["parent_of"] = {label: task["parents_of"].get(label, rng.permutation(names))[0] for label in placed}
        tasks.append(task)
    return tasks


@pytest.mark.parametrize("seed", range(40))
def test_all_rows_together_give_what_each_gives_by_itself(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(10):
        tasks = _any_tasks(rng)
        rows = int(rng.integers(0, 8))
        found = {
            task["name"]: rng.dirichlet(np.ones(len(task["labels"])), size=rows).round(1 if seed % 2 else 6)
            for task in tasks
            if rng.random() < 0.95
        }
        expected = one_by_one(tasks, found)
        decided = decide(tasks, found)
        assert list(decided) == list(expected)
        for name, (codes, confidence) in decided.items():
            assert codes.tolist() == [code for code, _ in expected[name]]
            assert confidence.tolist() == [np.float32(chance) for _, chance in expected[name]]


def test_decide_takes_the_child_by_joint_probability_and_its_parent_with_it() -> None:
    tasks = [task.to_json() for task in TASKS]
    # joint: refund 0.6 × 0.4 = 0.24, slow 0.4 × 0.35 = 0.14, outage 0.4 × 0.25 = 0.10
    found = decide(tasks, {"area": np.array([[0.6, 0.4]]), "intent": np.array([[0.4, 0.35, 0.25]])})
    assert found["intent"][0].tolist() == [0]
    assert found["area"][0].tolist() == [0]
    # 0.6 × 0.3 = 0.18 against 0.4 × 0.6 = 0.24: the parent follows the child against its own first choice
    found = decide(tasks, {"area": np.array([[0.6, 0.4]]), "intent": np.array([[0.3, 0.6, 0.1]])})
    assert (found["intent"][0].tolist(), found["area"][0].tolist()) == ([1], [1])
    assert found["area"][1].tolist() == pytest.approx([0.4])


def test_decide_gives_no_child_where_the_parent_has_none() -> None:
    area = Task(name="area", labels=("billing", "other"))
    intent = Task(name="intent", labels=("refund",), parent="area", parent_of={"refund": "billing"})
    found = decide([area.to_json(), intent.to_json()], {"area": np.array([[0.2, 0.8]]), "intent": np.array([[1.0]])})
    assert (found["area"][0].tolist(), found["intent"][0].tolist()) == ([1], [-1])
