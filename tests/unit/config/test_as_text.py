"""A config as text: it reads back as the same config, and each key says what it means."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from tilth import stage
from tilth.cli.workspace import init
from tilth.config import Settings, config_toml, load


def settings(path: Path | None = None, **overrides: Any) -> Settings:
    return load(path, overrides, stage.configs())


def values(path: Path) -> dict[str, Any]:
    return settings(path).model_dump()


def _keys(kind: type[BaseModel], path: str = "") -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name, field in kind.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found |= _keys(inner, f"{path}{name}.")
        else:
            found[f"{path}{name}"] = field.description
    return found


def test_every_key_says_what_it_means() -> None:
    assert [key for key, meaning in _keys(type(settings())).items() if not meaning] == []


def test_the_whole_config_reads_back_as_it_was(tmp_path: Path) -> None:
    tasks = [{"name": "area"}, {"name": "intent", "parent": "area", "labels": ['a "b"', "c\\d", "é\x7f"]}]
    before = settings(**{"tasks": tasks, "training.learning_rate": 1e-5, "cleaning.languages": ["en", "de"]})
    text = config_toml(before)
    (tmp_path / "tilth.toml").write_text(text)
    assert values(tmp_path / "tilth.toml") == before.model_dump()
    assert max(map(len, text.splitlines())) <= 120
    flat = re.sub(r"\n(?:# *)?", " ", text)
    assert 'one of auto, probe, top, full, contrastive; default: "auto" mode = "auto"' in flat
    assert "share of the steps in which the rate rises; at least 0, less than 1; default: 0.1\nwarmup = 0.1" in text
    assert "# gold =\n" in text


@pytest.fixture
def made(tmp_path: Path) -> Path:
    assert init.init(tmp_path / "my inbox") == 0
    return tmp_path / "my inbox"


def test_a_new_config_is_the_demos_with_examples_in_it(made: Path) -> None:
    assert values(made / "tilth.toml") == values(init.template() / "tilth.toml")
    assert not set(tomllib.loads((init.template() / "tilth.toml").read_text())) & {
        key.partition(".")[0] for key in init.OFTEN_CHANGED
    }


@pytest.mark.parametrize("key", init.OFTEN_CHANGED)
def test_each_example_may_be_uncommented_by_itself(made: Path, key: str) -> None:
    path = made / "tilth.toml"
    before = values(path)
    text, changed = re.subn(rf"^# ({re.escape(key)} = )", r"\1", path.read_text(), flags=re.M)
    assert changed == 1
    path.write_text(text)
    table, _, name = key.rpartition(".")
    set_now = tomllib.loads(text)[table][name]
    if key in init.EXAMPLE_VALUES:  # it has no value of its own
        assert set_now == init.EXAMPLE_VALUES[key]
        assert values(path) != before
    else:
        assert values(path) == before


def test_a_new_workspace_explains_itself_and_keeps_what_nights_make_out_of_git(made: Path) -> None:
    readme = (made / "README.md").read_text()
    assert readme.startswith("# my inbox\n")
    for name in re.findall(r"^\| `([\w./]+)`", readme, flags=re.M):
        assert (made / name).exists() or name.startswith("data/")
    assert "/data/*\n!/data/raw/\n" in (made / ".gitignore").read_text()
