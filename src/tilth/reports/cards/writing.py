"""The cards of a run's folder, and a night in a few lines of Markdown for the page of whoever scheduled it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from huggingface_hub import DatasetCard, DatasetCardData, EvalResult, ModelCard, ModelCardData

from tilth import samples as table
from tilth import store
from tilth.reports.cards.facts import data_facts, model_facts
from tilth.reports.drawing import formatted
from tilth.samples import Origin
from tilth.templates import text_templates

DATA_CARD = "data-card.md"
_BASE = "sentence-transformers/all-MiniLM-L6-v2"
"""The Hub's name of the model that comes in a wheel as the default encoder."""
_TAGS = ["text-classification", "tilth"]


def write_cards(run_folder: Path) -> list[Path]:
    """Write `model/README.md`, where there is a model, and `data-card.md`.

    Args:
        run_folder: of a night with a table; one that failed gets a card of its data as far as it came.

    Returns:
        The paths of the cards.

    Raises:
        RequestError: the folder holds no table.
    """
    record = store.read_json(run_folder / "run.json")
    frame = table.to_pandas(store.read_table(store.newest_table(run_folder)))
    cards = [_write(run_folder / DATA_CARD, _data_card(record, frame))]
    if (run_folder / "model").is_dir():
        cards.append(_write(run_folder / "model" / store.MODEL_CARD, _model_card(run_folder, record, frame)))
    return cards


def night_summary(run_folder: Path) -> str:
    """The verdict in plain sentences, what to do now, and where the report is.

    Args:
        run_folder: of a night whose report is written.
    """
    report = store.read_json(run_folder / "report.json")
    verdict, page = report["verdict"], (run_folder / "report.html").resolve()
    lines = [f"## {_markdown(verdict['headline'])}", "", *(_markdown(one) for one in verdict["sentences"])]
    if verdict["decision"]:
        lines += ["", _markdown(verdict["decision"])]
    tasks = [f"- {one['count']:,} {_markdown(one['what'])}: `{one['command']}`" for one in report["to_do"]]
    lines += ["", "To do now:", "", *tasks] if tasks else []
    return "\n".join([*lines, "", f"[The report]({page.as_uri()}): `{page}`", ""])


def _write(path: Path, card: str) -> Path:
    with store.atomic(path) as unfinished:
        unfinished.write_text(card, encoding="utf-8")
    return path


def _model_card(folder: Path, record: Mapping[str, Any], frame: pd.DataFrame) -> str:
    facts = model_facts(folder, record, frame)
    results = [
        EvalResult(
            task_type="text-classification",
            dataset_config=task,
            dataset_type="gold" if facts["gold_rows"] else "cross-validated",
            dataset_name=f"{task}, {facts['gold_rows']} gold rows" if facts["gold_rows"] else f"{task}, training rows",
            metric_type=kind,
            metric_name=name,
            metric_value=scores[key],
        )
        for task, scores in facts["scores"].items()
        for key, kind, name in (("macro_f1", "f1", "macro-F1"), ("accuracy", "accuracy", "accuracy"))
        if scores.get(key) is not None
    ]
    base = _BASE if facts["encoder"] == "default" else facts["encoder"]
    more: dict[str, Any] = (
        {"base_model": base} if re.fullmatch(r"[\w.-]+/[\w.-]+", base) else {}
    )  # a folder is no model
    # The Hub's client keeps results only beside a name.
    named: dict[str, Any] = {"model_name": f"tilth-{facts['run_id']}", "eval_results": results} if results else {}
    data = ModelCardData(pipeline_tag="text-classification", library_name="tilth", tags=_TAGS, **named, **more)
    return str(ModelCard(_joined(data.to_yaml(), _body("model_card.md.j2", facts))))


def _data_card(record: Mapping[str, Any], frame: pd.DataFrame) -> str:
    facts = data_facts(record, frame)
    data = DatasetCardData(
        task_categories=["text-classification"],
        size_categories=[facts["size"]],
        pretty_name=f"tilth night {facts['run_id']}",
        tags=_TAGS,
    )
    return str(DatasetCard(_joined(data.to_yaml(), _body("data_card.md.j2", facts))))


def _joined(front: str, body: str) -> str:
    return f"---\n{front.strip()}\n---\n\n{body.strip()}\n"


def _body(template: str, facts: Mapping[str, Any]) -> str:
    environment = text_templates("tilth.reports.cards")  # what comes of the rows goes through `_markdown`
    environment.filters.update(md=_markdown, formatted=formatted, inputs=_inputs)
    origins = [word.value for word in Origin if any(word.value in one for one in facts.get("learned", {}).values())]
    whole = environment.get_template(template).render(card={**facts, "origins": origins})
    return _spaced(whole)


def _spaced(text: str) -> str:
    """Markdown with an empty line around each heading and each table, as templates leave them now and then."""
    lines: list[str] = []
    for line in text.splitlines():
        before = lines[-1] if lines else ""
        apart = line.startswith("#") or before.startswith("#") or line.startswith("|") != before.startswith("|")
        if before and (apart or not line):
            lines.append("")
        if line:
            lines.append(line.rstrip())
    return "\n".join(lines)


def _markdown(value: object) -> str:
    r"""A value such that nothing of it is markup, of Markdown or of HTML, and on one line.

    >>> _markdown("a|b <i>c</i>\n_d_ [e](f)")
    'a\\|b &lt;i&gt;c&lt;/i&gt; \\_d\\_ \\[e\\](f)'
    """
    line = " ".join(str(value).split())
    safe = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|#~])", r"\\\1", safe)


def _inputs(card: Mapping[str, Any]) -> str:
    """The files that the rows came from, with their digests."""
    lines = [
        f"| {_markdown(one['file'])} | {one['split']} | {one['rows']} | `{one['sha256']}` |" for one in card["inputs"]
    ]
    return "\n".join(["| input | for | rows | SHA-256 |", "|---|---|---|---|", *lines, ""])
