"""The flow itself: strings between its tasks, what it retries, and nothing that phones home."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.command_line import STAGES, Workspace, new_workspace
from tilth.errors import ContractError, RequestError, StageError
from tilth.store import Run

FLOWS = Path(__file__).parents[2] / "flows"


@pytest.fixture(scope="module")
def flows() -> Iterator[tuple[Any, Any]]:
    """The modules `nightly` and `stages`, under a Prefect that is there for tests."""
    sys.path.insert(0, str(FLOWS))
    try:
        from prefect.settings import PREFECT_API_BLOCKS_REGISTER_ON_START as BLOCKS
        from prefect.settings import PREFECT_API_DATABASE_MIGRATE_ON_START as MIGRATE
        from prefect.settings import temporary_settings
        from prefect.testing.utilities import SubprocessASGIServer, prefect_test_harness

        import nightly
        import stages

        start = SubprocessASGIServer.start

        def start_with_tables(server: SubprocessASGIServer, timeout: int | None = None) -> None:
            asyncio.run(_make_tables())
            start(server, timeout)

        with pytest.MonkeyPatch.context() as patch, temporary_settings({MIGRATE: False, BLOCKS: False}):
            patch.setattr(SubprocessASGIServer, "start", start_with_tables)
            with prefect_test_harness(server_startup_timeout=120):
                yield nightly, stages
    finally:
        sys.path.remove(str(FLOWS))


async def _make_tables() -> None:
    """Prefect's tables as they are today, at once: each change that they ever had is a third of a server's start."""
    from prefect.server.database import orm_models, provide_database_interface
    from sqlalchemy.schema import CreateIndex, CreateTable

    engine = await provide_database_interface().engine()
    async with engine.begin() as connection:
        for table in orm_models.Base.metadata.sorted_tables:
            await connection.execute(CreateTable(table))
            for index in table.indexes:
                await connection.execute(CreateIndex(index, if_not_exists=True))  # two of other tables share a name
    await engine.dispose()


@pytest.fixture
def passed(flows: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What each task of Prefect's handed on, in the order in which they ended; the stages themselves do nothing."""
    nightly, stages = flows
    seen: list[tuple[str, Any]] = []
    monkeypatch.setattr(nightly.terminal, "quiet", lambda: None)
    monkeypatch.setattr(nightly.keeper, "end_with", lambda gone: None)
    monkeypatch.setattr(stages.night, "perform", lambda run, name: {"name": name, "skipped": "in a test"})
    for name in ("finish", "promote"):
        monkeypatch.setattr(stages.night, name, lambda run: None)
    monkeypatch.setattr(stages.reports, "write", lambda run: run / "report.html")
    monkeypatch.setattr(stages.reports, "write_cards", lambda run: [])
    monkeypatch.setattr(stages.reports, "night_summary", lambda run: f"## Better\n\nof {run.name}")
    for name in ("open_night", *STAGES, "close_night"):
        hook = lambda task, run, state, name=name: seen.append((name, state.result()))  # noqa: E731
        monkeypatch.setattr(getattr(stages, name), "on_completion_hooks", [hook])
    return seen


def by_prefect(nightly: Any) -> Callable[[str], str]:
    from prefect import flow

    return flow(nightly.whole)


def by_itself(nightly: Any) -> Callable[[str], str]:
    return nightly.whole


def test_tasks_pass_the_folder_of_the_run_and_nothing_else(
    flows: tuple[Any, Any], passed: list[tuple[str, Any]], tmp_path: Path
) -> None:
    run = str(Run.create(tmp_path, {"stages": []}).path)
    assert by_prefect(flows[0])(run) == f"{run}/report.html"
    assert passed == [*((name, run) for name in STAGES), ("close_night", f"{run}/report.html")]


def test_the_page_of_the_flow_run_shows_the_verdict(
    flows: tuple[Any, Any], passed: list[tuple[str, Any]], tmp_path: Path
) -> None:
    run = Run.create(tmp_path, {"stages": []})
    by_prefect(flows[0])(str(run.path))
    from prefect.artifacts import Artifact

    shown = Artifact.get(key="night")
    assert (shown.type, shown.data) == ("markdown", f"## Better\n\nof {run.path.name}")


def test_a_page_that_cannot_show_the_verdict_fails_no_night(
    flows: tuple[Any, Any],
    passed: list[tuple[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("no server")

    monkeypatch.setattr(flows[1], "create_markdown_artifact", refuse)
    run = str(Run.create(tmp_path, {"stages": []}).path)
    assert by_prefect(flows[0])(run) == f"{run}/report.html"
    assert "Prefect's page does not show the verdict: OSError: no server" in caplog.text


def test_a_night_that_no_server_was_asked_for_is_plain_calls(
    flows: tuple[Any, Any],
    passed: list[tuple[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    started: list[Any] = []
    monkeypatch.setattr("prefect.context.SyncClientContext.get_or_create", lambda *_: started.append(1))
    run = str(Run.create(tmp_path, {"stages": []}).path)
    assert by_itself(flows[0])(run) == f"{run}/report.html"
    assert (passed, started) == ([], [])
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == STAGES


@pytest.mark.parametrize("way", [by_prefect, by_itself])
@pytest.mark.parametrize(("cause", "tries"), [(ContractError("told"), 1), (OSError("disk"), 2)])
def test_a_second_try_is_for_what_may_pass(
    flows: tuple[Any, Any],
    passed: list[tuple[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: Callable[[Any], Callable[[str], str]],
    cause: Exception,
    tries: int,
) -> None:
    nightly, stages = flows
    calls = []

    def fail(run: Run, name: str) -> None:
        calls.append(name)
        raise StageError(f"stage {name} failed: {cause}") from cause

    monkeypatch.setattr(stages.night, "perform", fail)
    monkeypatch.setattr(stages.cleaning, "retry_delay_seconds", 0)
    run = Run.create(tmp_path, {"stages": []})
    with pytest.raises(StageError, match="stage cleaning failed"):
        way(nightly)(str(run.path))
    assert calls == ["cleaning"] * tries
    assert run.record["status"] == "failed"
    assert run.record["failed"]["stage"] == "cleaning"


def test_a_scheduled_night_runs_the_workspace_that_it_was_bound_to_and_takes_no_other(
    flows: tuple[Any, Any], passed: list[tuple[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nightly, stages = flows
    begun: list[Path] = []

    def begin(request: Any) -> Run:
        begun.append(request.workspace.config)
        return Run.create(request.workspace.runs, {"stages": []})

    monkeypatch.setattr(stages.night, "begin", begin)
    config = tmp_path / "tilth.toml"
    config.touch()
    monkeypatch.setenv(nightly.WORKSPACE, str(config))
    assert nightly.nightly().startswith(str(tmp_path / "data/runs"))
    assert begun == [config]
    assert [name for name, _ in passed] == ["open_night", *STAGES, "close_night"]
    assert nightly.nightly.parameters.properties == {}
    with pytest.raises(TypeError, match="workspace"):
        nightly.nightly(workspace=str(tmp_path))
    assert begun == [config]


def test_one_night_makes_up_for_all_that_became_due_while_the_machine_slept(
    flows: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three nights at 2:00 went by; the one of tomorrow stays, and so does one that a person asked for."""
    import scheduled

    nightly, _ = flows
    now = datetime.now(UTC)
    due = [
        SimpleNamespace(id=days, auto_scheduled=days != 2, expected_start_time=now - timedelta(days=days))
        for days in (3, 2, 1, -1)
    ]
    deleted: list[int] = []
    client = SimpleNamespace(delete_flow_run=deleted.append)
    monkeypatch.setattr(scheduled, "_runs", lambda deployment, _types: due if deployment == "ours" else [])
    monkeypatch.setattr(scheduled, "get_client", lambda **_options: contextlib.nullcontext(client))
    context = SimpleNamespace(flow_run=SimpleNamespace(deployment_id="ours"))
    monkeypatch.setattr(nightly.FlowRunContext, "get", lambda: context)
    nightly._make_up_for_missed()
    assert deleted == [3, 1]
    assert "missed: 2 more nights, which this one makes up for" in capsys.readouterr().out


def test_a_scheduled_night_that_cannot_begin_is_told(
    flows: tuple[Any, Any], passed: list[tuple[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nightly, stages = flows
    told: list[tuple[Path, str]] = []

    def refuse(_request: Any) -> Run:
        raise RequestError("no file rows.csv")

    monkeypatch.setattr(stages.night, "begin", refuse)
    monkeypatch.setattr(stages.night, "notify_unopened", lambda config, error: told.append((config, str(error))))
    config = tmp_path / "tilth.toml"
    config.touch()
    monkeypatch.setenv(nightly.WORKSPACE, str(config))
    with pytest.raises(RequestError, match=r"no file rows\.csv"):
        nightly.nightly()
    assert told == [(config, "no file rows.csv")]
    assert passed == []


@pytest.fixture
def asked(tmp_path: Path) -> Workspace:
    """A workspace whose own night only says what it was given."""
    made = new_workspace(tmp_path / "workspace", DO_NOT_TRACK="0", PREFECT_SERVER_ANALYTICS_ENABLED="true")
    (made.root / "flows/nightly.py").write_text(
        "import json, os, sys\n"
        "from prefect._internal.analytics.enabled import is_telemetry_enabled\n"
        "from prefect.settings import get_current_settings\n"
        "found = {'sdk': is_telemetry_enabled(), 'server': get_current_settings().server.analytics_enabled}\n"
        "print(json.dumps({**found, 'arguments': sys.argv[1:]}))\n"
        "from tilth.store import Run\n"
        "Run(__import__('pathlib').Path(sys.argv[2])).finish('completed', promoted=False, promotion='in a test')\n",
        encoding="utf-8",
    )
    return made


def test_nothing_of_prefect_phones_home_whatever_the_environment_says(asked: Workspace) -> None:
    done = asked("run")
    found = json.loads(done.stdout.splitlines()[1])
    assert (found["sdk"], found["server"]) == (False, False)
    assert found["arguments"] == ["--run", str(asked.runs[0])]
