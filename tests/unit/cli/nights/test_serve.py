"""What `tilth serve` takes from `[schedule]`, before anything is served."""

from __future__ import annotations

from pathlib import Path

import pytest

from tilth import cli
from tilth.cli.nights import flow_process


class Served:
    def __init__(self) -> None:
        self.arguments: list[str] = []

    def start(self, _flow: Path, arguments: list[str], *_more: object, **_options: object) -> Served:
        self.arguments = arguments
        return self

    def wait(self) -> int:
        return 0


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    monkeypatch.chdir(tmp_path)
    process = Served()
    monkeypatch.setattr(flow_process, "start", process.start)
    monkeypatch.setattr(flow_process, "ask_server", lambda: None)
    return process


def test_the_schedule_of_the_workspace_is_served(served: Served) -> None:
    Path("tilth.toml").write_text('[schedule]\ncron = "0 2 * * *"\ntimezone = "Europe/Berlin"\n')
    assert cli.main(["serve"]) == 0
    assert served.arguments[:2] == ["--cron", "0 2 * * *"]
    assert served.arguments[-2:] == ["--timezone", "Europe/Berlin"]
    assert cli.main(["serve", "--cron", "0 3 * * *"]) == 0
    assert served.arguments[:2] == ["--cron", "0 3 * * *"]


def test_without_a_schedule_the_command_says_where_it_may_stand(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("tilth.toml").touch()
    assert cli.main(["serve"]) == 2
    assert 'cron = "0 2 * * *" under [schedule]' in capsys.readouterr().err


def test_an_address_that_reaches_nobody_is_refused_at_once(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    Path("tilth.toml").write_text('[schedule]\ncron = "0 2 * * *"\nnotify = ["mialto://me"]\n')
    assert cli.main(["serve"]) == 2
    assert "schedule.notify" in capsys.readouterr().err
    assert served.arguments == []
