import importlib
from pathlib import Path
from typing import Self

import pytest
from pydantic import Field, model_validator

from tilth.config import EngineConfig, Model, load, parse_override, parse_task
from tilth.errors import ConfigError


class Cleaning(Model):
    threshold: float = Field(default=0.5, ge=0, le=1)
    least: float = 0

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.least > self.threshold:
            raise ValueError(f"least = {self.least} is above threshold = {self.threshold}")
        return self


def read(text: str, tmp_path: Path, **overrides: object) -> object:
    path = tmp_path / "tilth.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, {key.replace("__", "."): value for key, value in overrides.items()}, {"cleaning": Cleaning})


def test_an_unknown_key_names_the_nearest_valid_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'unknown key "cleaning\.treshold"; did you mean "threshold"'):
        read("[cleaning]\ntreshold = 0.2", tmp_path)


def test_an_unknown_section_names_the_nearest_valid_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='did you mean "cleaning"'):
        read("[cleening]\nthreshold = 0.2", tmp_path)


def test_a_value_out_of_range_is_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cleaning\.threshold.*found 7"):
        read("[cleaning]\nthreshold = 7", tmp_path)


def test_values_that_do_not_go_together_are_named_by_the_message_alone(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cleaning: least = 0\.7 is above threshold = 0\.5$"):
        read("[cleaning]\nleast = 0.7", tmp_path)


def test_an_override_is_stronger_than_the_file(tmp_path: Path) -> None:
    settings = read("[cleaning]\nthreshold = 0.2", tmp_path, cleaning__threshold=0.9)
    assert settings.cleaning.threshold == 0.9  # type: ignore[attr-defined]


def test_a_parent_that_is_not_declared_before_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="parent"):
        read('[[tasks]]\nname = "intent"\nparent = "area"', tmp_path)


def test_not_toml(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not TOML"):
        read("[cleaning", tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a.b=1", ("a.b", 1)), ("a=[1, 2]", ("a", [1, 2])), ("a=b c", ("a", "b c")), ("a=true", ("a", True))],
)
def test_overrides_are_toml_or_text(text: str, expected: tuple[str, object]) -> None:
    assert parse_override(text) == expected


def test_an_override_without_a_value_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"key\.sub=value"):
        parse_override("seed")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[data]\ninput = 3", r'data\.input: Input should be a list, \["…", "…"\]; found 3'),
        ('[[tasks]]\nname = "a"\nlabels = ["x", " x"]', "'x' stands there twice"),
        ('[[tasks]]\nname = "a"\nlabels = ["x", ""]', "an empty label"),
        ('[[tasks]]\nname = "a"\n[[tasks]]\nname = "b"\ncolumn = "a"', 'tasks "a" and "b" read one column'),
        ('[[tasks]]\nname = "my task"', "begins with a letter"),
        ('[[tasks]]\nname = "intent"\nparent = "area"', "--label area,area/intent"),
        ('[schedule]\ntimezone = "Europe/Berln"', r'did you mean "Europe/Berlin"\?; found .Europe/Berln'),
        ('[schedule]\ndeadline = "25:00"', r'such as "06:00"; found .25:00'),
        ('[schedule]\ndeadline = "6:00"', r'such as "06:00"; found .6:00'),
    ],
)
def test_what_cannot_be_right_is_told(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        read(text, tmp_path)


def test_one_file_needs_no_list(tmp_path: Path) -> None:
    settings = read('[data]\ninput = "rows.csv"\n[[tasks]]\nname = "a"\nlabels = [" x ", "y"]', tmp_path)
    assert settings.data.input == ("rows.csv",)  # type: ignore[attr-defined]
    assert settings.tasks[0].labels == ("x", "y")  # type: ignore[attr-defined]


def test_a_parent_is_named_as_its_own_task_is() -> None:
    assert parse_task("top level / intent")["parent"] == parse_task("top level")["name"]


def test_a_relative_folder_starts_from_the_config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "workspace/model").mkdir(parents=True)
    (tmp_path / "here/other").mkdir(parents=True)
    (tmp_path / "here/default").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for word, expected in (("model", "workspace/model"), ("other", "here/other")):
        settings = read(f'[encoder]\nmodel = "{word}"', tmp_path / "workspace")
        assert settings.encoder.model == str(tmp_path / expected)  # type: ignore[attr-defined]
    for word in ("default", "owner/name"):
        assert read(f'[encoder]\nmodel = "{word}"', tmp_path).encoder.model == word  # type: ignore[attr-defined]


def test_flows_of_earlier_workspaces_find_the_engines_config() -> None:
    assert importlib.import_module("tilth.config_engine").EngineConfig is EngineConfig
