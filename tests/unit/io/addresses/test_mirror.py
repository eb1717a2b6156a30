"""The copy of a workspace at an address: whole nights alone, and a workspace that starts from it."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from tilth import store
from tilth.config import StoreConfig
from tilth.errors import InputError, RequestError
from tilth.io import fetch_nights, file_system, send_nights, written_at
from tilth.store import Run, Workspace
from tilth.store.answers import Answer, Answers, back_up

PLACE = "memory://bucket/inbox"


def workspace(root: Path) -> Workspace:
    root.mkdir(parents=True, exist_ok=True)
    (root / "tilth.toml").touch()
    return store.locate(root / "tilth.toml")


def night(own: Workspace, *, state: str = "", status: str = "completed", promoted: bool = True) -> Run:
    carried = {"in": {}, "out": {"augmentation": state} if state else {}}
    run = Run.create(own.runs, {"carried": carried})
    (run.path / "model").mkdir()
    (run.path / "model/weights").write_bytes(b"of " + run.path.name.encode())
    run.update(status=status)
    if state:
        (own.state / state).mkdir(parents=True)
        (own.state / state / "denoiser").write_bytes(b"learned")
    if promoted:
        run.promote()
    return run


def test_a_workspace_starts_from_the_copy_of_another(tmp_path: Path, memory: Any) -> None:
    own = workspace(tmp_path / "one")
    assert own.answers is not None
    with Answers.open(own.answers) as answers:
        answers.add([Answer(row_id="r1", text="the text", task="intent", label="refund")], "ada")
    back_up(own.answers, 3)
    store.add_tombstones(own.data, ["gone"])
    first, second = night(own, state="abc"), night(own, state="def")
    failed = night(own, status="failed", promoted=False)
    assert send_nights(own, PLACE) == [first.path.name, second.path.name]
    assert send_nights(own, PLACE) == []

    other = workspace(tmp_path / "two")
    assert fetch_nights(other, PLACE) == [first.path.name, second.path.name]
    latest = store.latest(other.runs)
    assert latest is not None
    assert latest.path.name == second.path.name
    assert (latest.path / "model/weights").read_bytes() == b"of " + second.path.name.encode()
    assert sorted(path.relative_to(other.state).as_posix() for path in other.state.rglob("*") if path.is_file()) == [
        "abc/denoiser",
        "def/denoiser",
    ]
    assert store.tombstones(other.data) == store.tombstones(own.data) != frozenset()
    assert other.answers is not None
    with Answers.open(other.answers, read_only=True) as answers:
        assert len(answers) == 1
    assert not (other.runs / failed.path.name).exists()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError("AccessDenied"), r"\(PermissionError: AccessDenied\); check .* rights"),
        (OSError(errno.ENOSPC, "No space left on device"), r"No space left .*\); no room is left there: free some"),
    ],
)
def test_half_a_copy_is_no_night_and_is_completed_later(
    tmp_path: Path, memory: Any, monkeypatch: pytest.MonkeyPatch, error: OSError, words: str
) -> None:
    own = workspace(tmp_path / "one")
    run = night(own, state="abc")
    put = type(memory).put_file

    def full(self: Any, source: str, target: str, **options: Any) -> None:
        if source.endswith("weights"):
            raise error
        put(self, source, target, **options)

    with monkeypatch.context() as changed:
        changed.setattr(type(memory), "put_file", full)
        with pytest.raises(RequestError, match=f"cannot be written .*{words}"):
            send_nights(own, PLACE)
    assert not memory.exists(f"/bucket/inbox/runs/{run.path.name}/run.json")  # which comes last
    memory.pipe_file("/bucket/inbox/labels.sqlite", b"of a night that did not end")
    two = workspace(tmp_path / "two")
    with pytest.raises(RequestError, match="holds no night"):
        fetch_nights(two, PLACE)
    assert not two.data.exists()  # so that it can be filled later
    assert send_nights(own, PLACE) == [run.path.name]
    assert fetch_nights(workspace(tmp_path / "three"), PLACE) == [run.path.name]


def test_nothing_is_put_over_what_a_workspace_holds(tmp_path: Path, memory: Any) -> None:
    own = workspace(tmp_path)
    run = night(own)
    send_nights(own, PLACE)
    with pytest.raises(RequestError, match=f"{run.path} is there; only a workspace without nights"):
        fetch_nights(own, PLACE)


def test_a_file_is_written_at_an_address_once(tmp_path: Path, memory: Any) -> None:
    with written_at(f"{PLACE}/better.csv") as place:
        assert place.name == "better.csv"
        place.write_text("id,text\n")
    assert memory.cat_file("/bucket/inbox/better.csv") == b"id,text\n"
    with (
        pytest.raises(RequestError, match="is there already; give another name, or --force"),
        written_at(f"{PLACE}/better.csv"),
    ):
        pytest.fail("it must not come so far")
    with written_at(f"{PLACE}/better.csv", force=True) as place:
        place.write_text("id\n")
    assert memory.cat_file("/bucket/inbox/better.csv") == b"id\n"
    with written_at(f"{PLACE}/folder") as place:
        (place / "train").mkdir(parents=True)
        (place / "train/data.arrow").touch()
    assert memory.exists("/bucket/inbox/folder/train/data.arrow")
    with written_at(str(tmp_path / "plain.csv")) as place:
        assert place == tmp_path / "plain.csv"


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("bucket/inbox", "expected an address that fsspec knows"),
        ("ftp://me:secret@host/inbox", "leave the password to fsspec's own configuration"),
    ],
)
def test_an_address_of_the_store_has_a_scheme_and_no_password(address: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        StoreConfig(address=address)


def test_an_address_that_nothing_writes_to_is_said_at_once() -> None:
    with pytest.raises(InputError, match=r'store.address "s4://bucket": nothing reads s4:// addresses'):
        file_system("s4://bucket", "store.address")
