"""The files by which others run nights: a work pool of Prefect's, systemd, a container."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tilth import stage
from tilth.errors import RequestError
from tilth.store import Run

FLOWS = Path(__file__).parents[2] / "flows"


@pytest.fixture
def single(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(FLOWS))
    import nightly
    import single

    yield single
    for module in (nightly, single):
        sys.modules.pop(module.__name__, None)


def test_every_deployment_names_a_flow_that_is_there(single: Any) -> None:
    spec = yaml.safe_load((FLOWS / "prefect.yaml").read_text())
    entries = {one["name"]: one["entrypoint"] for one in spec["deployments"]}
    assert set(entries) == {"nightly", *(name.replace("_", "-") for name in stage.NAMES)}
    for name, entrypoint in entries.items():
        path, _, function = entrypoint.partition(":")
        assert (FLOWS.parent / path).is_file()
        made = getattr(sys.modules[Path(path).stem], function)
        assert made.name == name
    from prefect.schedules import Cron

    (schedule,) = spec["deployments"][0]["schedules"]
    assert Cron(schedule["cron"], timezone=schedule["timezone"]).cron == "0 2 * * *"


def test_a_stage_alone_starts_from_what_the_newest_run_has(
    single: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tilth.toml").touch()
    monkeypatch.setenv(single.nightly.WORKSPACE, str(tmp_path / "tilth.toml"))
    monkeypatch.setattr(single.terminal, "quiet", lambda: None)
    monkeypatch.setattr(single.keeper, "end_with", lambda gone: None)
    begun: list[tuple[Any, Any]] = []
    run = Run.create(tmp_path / "runs", {"config": {}})

    def begin(request: Any) -> Any:
        begun.append((request.stages, request.start))
        return run

    monkeypatch.setattr(single.night, "begin", begin)
    monkeypatch.setattr(single.stages, "close_night", lambda run: f"{run}/report.html")
    made = single._flow("training", lambda run: run)
    assert made.fn() == str(run.path / "report.html")
    first = single._flow("cleaning", lambda run: run)
    first.fn()
    assert begun == [(("training",), "training"), (("cleaning",), None)]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(FLOWS))
    import serve

    yield serve
    for name in ("serve", "nightly", "scheduled", "server", "keeper", "stages", "engine"):
        sys.modules.pop(name, None)


def test_a_schedule_is_held_by_one_and_a_folder_without_rights_is_named(serve: Any, tmp_path: Path) -> None:
    home = tmp_path / "data/prefect"
    with serve._held(home), pytest.raises(RequestError, match="another tilth serve is at work in"), serve._held(home):
        pass
    with serve._held(home):
        pass
    (tmp_path / "file").touch()
    nowhere = serve._held(tmp_path / "file/prefect")
    with pytest.raises(RequestError, match=r"nothing can be written in .*/file/prefect .*; make it writable"), nowhere:
        pass


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not there")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    command = tmp_path / "tilth"
    command.touch(mode=0o755)
    text = (FLOWS / "tilth.service").read_text().replace("/srv/inbox/.venv/bin/tilth", str(command))
    unit = tmp_path / "tilth.service"
    unit.write_text(re.sub(r"^(User|WorkingDirectory)=.*\n", "", text, flags=re.MULTILINE))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_and_the_container_serve_by_the_schedule_of_the_workspace() -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(re.sub(r"^#.*\n", "", (FLOWS / "tilth.service").read_text(), flags=re.MULTILINE))
    assert unit["Service"]["ExecStart"].endswith("/tilth serve")
    assert unit["Service"]["KillSignal"] == "SIGINT"  # as Ctrl-C, which ends a night in order
    lines = (FLOWS / "Dockerfile").read_text().splitlines()
    assert lines[-2:] == ['ENTRYPOINT ["tilth"]', 'CMD ["serve"]']
