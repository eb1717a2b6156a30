"""The cards: what the Hub's own client reads of them, figures counted by hand, and nothing of a row in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import DatasetCard, ModelCard

from tests.small_table import ROWS, TASKS, make_table
from tilth import reports, store
from tilth import samples as table
from tilth.reports.cards.facts import by_class
from tilth.store import Run


def night(folder: Path, *, gold: bool = True, label: str = "slow", run_by: str | None = None) -> Run:
    """A night of ten rows and two gold rows, g1 (refund) answered right and g2 (slow) answered outage."""
    scores = {"macro_f1": 0.5, "accuracy": 0.5}
    trained = {
        "trunk": {"chosen": "tuned"},
        "export": {"weights": "int8", "bytes": 2_000_000, "agreement": {"int8": 0.99}, "run_by": run_by},
    }
    run = Run.create(
        folder,
        {
            "tilth": "0.0",
            "tasks": [task.to_json() for task in TASKS],
            "config": {"seed": 7, "encoder": {"model": "default"}},
            "inputs": [{"path": "/home/me/rows.csv", "rows": 10, "sha256": "ab12", "split": "train"}],
            "stages": [{"name": "training", "metrics": trained}],
            "gold": {"rows": 2, "area": scores, "intent": {"macro_f1": None, "accuracy": None}} if gold else None,
            "promoted": True,
            "promotion": "better than | any *before*",
        },
    )
    frame = table.to_pandas(make_table())
    for task in ("area", "intent"):
        frame[f"{task}_predicted"] = frame[task].where(
            frame["id"].ne("g2"), "outage" if task == "intent" else "network"
        )
    frame.loc[0, ["status", "reason"]] = ["quarantined", "junk"]
    frame["intent_given"] = frame["intent_given"].replace("slow", label)
    store.write_table(run.path / "5-training.parquet", table.from_pandas(frame, TASKS))
    (run.path / "model").mkdir()
    (run.path / "model" / "model.onnx").write_bytes(b"a model")
    return run


def test_the_hub_reads_the_model_card(tmp_path: Path) -> None:
    run = night(tmp_path)
    assert [path.name for path in reports.write_cards(run.path)] == ["data-card.md", "README.md"]
    card = ModelCard.load(run.path / "model" / "README.md")
    assert (card.data.pipeline_tag, card.data.base_model) == (
        "text-classification",
        "sentence-transformers/all-MiniLM-L6-v2",
    )
    results = {(one.dataset_config, one.metric_type): one.metric_value for one in card.data.eval_results}
    assert results == {("area", "f1"): 0.5, ("area", "accuracy"): 0.5}  # what is not measured is no result
    assert "| model.onnx | `" + store.sha256_file(run.path / "model/model.onnx") in card.content
    assert "| rows.csv | train | 10 | `ab12` |" in card.content
    assert "/home/me" not in card.content
    assert "tuned on these rows" in card.content
    assert "Every text gets a label" in card.content  # its training knew no limit of scope


@pytest.mark.parametrize(("run_by", "said"), [(None, "as ONNX with int8"), ("torch", "as safetensors with int8")])
def test_the_card_says_what_runs_the_model(run_by: str | None, said: str, tmp_path: Path) -> None:
    run = night(tmp_path, run_by=run_by)
    reports.write_cards(run.path)
    card = (run.path / "model" / "README.md").read_text(encoding="utf-8")
    assert said in card
    assert ("`torch` and `transformers` run it" in card) == (run_by is not None)
    assert ("are all that this takes" in card) == (run_by is None)


def test_the_hub_reads_the_data_card(tmp_path: Path) -> None:
    run = night(tmp_path)
    reports.write_cards(run.path)
    card = DatasetCard.load(run.path / "data-card.md")
    assert card.data.task_categories == ["text-classification"]
    assert card.data.size_categories == ["n<1K"]
    assert "| train | 8 |\n| gold | 2 |\n| unlabeled | 2 |" in card.content
    assert "| junk | 1 |" in card.content
    assert "| refund | 3 | 3 |" in card.content  # a1 is set aside, which its label does not depend on


def test_no_text_of_a_row_is_in_a_card(tmp_path: Path) -> None:
    for path in reports.write_cards(night(tmp_path).path):
        content = path.read_text(encoding="utf-8")
        assert not [row[1] for row in ROWS if row[1] in content]


def test_measures_by_class_are_those_of_the_gold_rows() -> None:
    """Truth refund, slow; answers refund, outage: refund 1, 1, 1 and slow 0, 0, 0 with a row each."""
    frame = table.to_pandas(make_table())
    frame["intent_predicted"] = np.where(frame["id"].eq("g1"), "refund", "outage")
    assert by_class(frame, TASKS[1]) == [
        {"label": "slow", "precision": 0.0, "recall": 0.0, "f1": 0.0, "rows": 1},
        {"label": "refund", "precision": 1.0, "recall": 1.0, "f1": 1.0, "rows": 1},
    ]


def test_class_names_are_no_markup(tmp_path: Path) -> None:
    run = night(tmp_path, label="a|b <script>x</script>\n# h")
    reports.write_cards(run.path)
    content = (run.path / "data-card.md").read_text(encoding="utf-8")
    assert "<script>" not in content
    assert "\n# h" not in content
    promotion = (run.path / "model" / "README.md").read_text(encoding="utf-8")
    assert r"better than \| any \*before\*" in promotion


def test_without_gold_and_without_a_model(tmp_path: Path) -> None:
    run = night(tmp_path, gold=False)
    (run.path / "model" / "model.onnx").unlink()
    (run.path / "model").rmdir()
    assert [path.name for path in reports.write_cards(run.path)] == ["data-card.md"]


def test_equal_models_are_equal_whatever_their_cards_say(tmp_path: Path) -> None:
    first, second = night(tmp_path / "a"), night(tmp_path / "b")
    (second.path / "model" / "README.md").write_text("another night")
    digests = [store.digest_tree(run.path / "model", [store.MODEL_CARD]) for run in (first, second)]
    assert digests[0] == digests[1]
    assert store.digest_tree(first.path / "model") != store.digest_tree(second.path / "model")


def test_a_night_in_a_few_lines(tmp_path: Path) -> None:
    run = Run.create(tmp_path, {})
    report = {
        "verdict": {"headline": "Better than last night", "sentences": ["It is *so*."], "decision": "In use."},
        "to_do": [{"count": 1200, "what": "labels are in doubt", "link": "#", "command": "tilth label"}],
    }
    store.write_json(run.path / "report.json", report)
    told = reports.night_summary(run.path)
    assert told.startswith("## Better than last night\n\nIt is \\*so\\*.\n\nIn use.\n\nTo do now:\n\n")
    assert "- 1,200 labels are in doubt: `tilth label`" in told
    assert (run.path / "report.html").resolve().as_uri() in told


@pytest.mark.parametrize("kind", ["model_card", "data_card"])
def test_every_table_has_an_empty_line_before_it(tmp_path: Path, kind: str) -> None:
    run = night(tmp_path)
    reports.write_cards(run.path)
    path = run.path / ("model/README.md" if kind == "model_card" else "data-card.md")
    lines = path.read_text(encoding="utf-8").split("\n")
    starts = [
        place for place, line in enumerate(lines) if line.startswith("|") and not lines[place - 1].startswith("|")
    ]
    assert len(starts) > 2
    assert all(lines[place - 1] == "" and lines[place + 1].startswith("|---") for place in starts)
