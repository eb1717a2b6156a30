"""The file of answers: what is in force, undo, leases, and files of other releases or none at all."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tilth.errors import DamagedFileError, InputError, RequestError
from tilth.store.answers import Answer, Answers, Verdict, back_up
from tilth.store.answers.backups import backups, forget_answers
from tilth.text import digest


def label(row: str, label: str, task: str = "intent", text: str | None = None, **more: object) -> Answer:
    return Answer(row_id=row, text=text or f"text of {row}", task=task, label=label, **more)  # type: ignore[arg-type]


def junk(row: str) -> Answer:
    return Answer(row_id=row, text=f"text of {row}", verdict=Verdict.JUNK)


def in_force(answers: Answers, until: int | None = None) -> list[tuple[str, str, str, str | None, str]]:
    found = answers.current(until)
    return list(found[["row_id", "task", "verdict", "label", "who"]].itertuples(index=False, name=None))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "labels.sqlite"


def test_a_changed_mind_adds_and_the_last_answer_of_each_person_is_in_force(path: Path) -> None:
    with Answers.open(path) as answers:
        assert answers.add([label("a", "slow"), label("a", "network", "area")], "ann") == [1, 2]
        assert answers.add([label("a", "refund")], "bob") == [3]
        assert answers.add([label("a", "outage", shown={"given": "slow"}, note="red light")], "ann") == [4]
        assert in_force(answers) == [
            ("a", "area", "label", "network", "ann"),
            ("a", "intent", "label", "refund", "bob"),
            ("a", "intent", "label", "outage", "ann"),
        ]
        assert in_force(answers, until=3)[0] == ("a", "intent", "label", "slow", "ann")
        newest = answers.history("a")[0]
    assert (newest["label"], newest["shown"], newest["note"]) == ("outage", {"given": "slow"}, "red light")
    assert newest["text_digest"] == digest("text of a")
    assert newest["at"].endswith("+00:00")


def test_undo_withdraws_a_whole_step_and_brings_back_what_was_said_before(path: Path) -> None:
    with Answers.open(path) as answers:
        answers.add([label("a", "slow")], "ann")
        answers.add([label("a", "outage"), label("b", "outage")], "ann", step="group")
        answers.add([label("c", "slow")], "bob")
        withdrawn = answers.undo("ann")
        assert [(one["row_id"], one["label"]) for one in withdrawn] == [("a", "outage"), ("b", "outage")]
        assert in_force(answers) == [("a", "intent", "label", "slow", "ann"), ("c", "intent", "label", "slow", "bob")]
        assert [one["row_id"] for one in answers.undo("ann")] == ["a"]
        assert answers.undo("ann") == []
        assert answers.undo("ann", step="group") == []  # it is undone already
        assert in_force(answers) == [("c", "intent", "label", "slow", "bob")]
        assert len(answers) == 4 + 3  # all that was said is still there, and what was undone


def test_junk_is_in_force_until_the_same_person_says_more_of_the_row(path: Path) -> None:
    with Answers.open(path) as answers:
        answers.add([label("a", "slow")], "ann")
        answers.add([junk("a")], "ann")
        answers.add([label("a", "slow")], "bob")
        assert ("a", "", "junk", None, "ann") in in_force(answers)
        answers.add([label("a", "outage")], "ann")
        assert ("a", "", "junk", None, "ann") not in in_force(answers)
        answers.undo("ann")
        assert ("a", "", "junk", None, "ann") in in_force(answers)


def test_a_step_that_is_sent_again_is_stored_once(path: Path) -> None:
    with Answers.open(path) as answers:
        first = answers.add([label("a", "slow")], "ann", step="s1")
        assert answers.add([label("a", "slow")], "ann", step="s1") == first
        assert len(answers) == 1
        with pytest.raises(InputError, match="is one of ann"):
            answers.add([label("b", "slow")], "bob", step="s1")


def test_a_text_that_changed_is_another_one(path: Path) -> None:
    with Answers.open(path) as answers:
        answers.add([label("a", "slow", text="old")], "ann")
        answers.add([label("a", "outage", text="new")], "ann")
        assert answers.current()["text_digest"].tolist() == [digest("old"), digest("new")]
        assert answers.texts([digest("old")]) == {digest("old"): "old"}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"row_id": "", "task": "t", "label": "x"}, "without a row id"),
        ({"task": "t"}, "with label None"),
        ({"task": "t", "label": " \u200b"}, "has one, and no other has"),
        ({"task": "t", "verdict": Verdict.UNCLEAR, "label": "x"}, "has one, and no other has"),
        ({"task": "t", "verdict": Verdict.JUNK}, "about the text"),
        ({"verdict": Verdict.NONE_OF_THESE}, "the task that it is about"),
    ],
)
def test_what_is_no_answer_is_refused(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Answer(**{"row_id": "a", "text": "x", **wrong})  # type: ignore[arg-type]


def test_a_person_has_a_name(path: Path) -> None:
    with Answers.open(path) as answers, pytest.raises(InputError, match="give a name"):
        answers.add([label("a", "slow")], "  ")


def test_the_file_itself_keeps_every_answer(path: Path) -> None:
    with Answers.open(path) as answers:
        answers.add([label("a", "slow")], "ann")
    other = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="never deleted"):
        other.execute("DELETE FROM answers")
    with pytest.raises(sqlite3.IntegrityError, match="never changed"):
        other.execute("UPDATE answers SET label = 'x'")
    other.close()


def test_two_people_never_hold_one_row(path: Path) -> None:
    rows = [(name, digest(f"text of {name}")) for name in "abcd"]
    with Answers.open(path) as answers:
        assert answers.lease(rows, "ann", 60, count=2) == ["a", "b"]
        assert answers.lease(rows, "bob", 60) == ["c"]
        assert answers.lease(rows, "ann", 60, count=2) == ["a", "b"]  # her own, as after a reload of the page
        answers.add([label("a", "slow")], "ann")
        assert answers.lease(rows, "bob", 60, count=5) == ["c", "d"]  # b is still ann's, a has its answer
        assert answers.lease(rows, "cid", 60, people=2) == ["a"]  # where two are wanted
        assert answers.lease(rows, "ann", 60, people=None) == ["b"]  # never again what she answered
        answers.release(["b", "c"], "ann")
        assert answers.lease(rows, "cid", 0, count=5, people={"a": 2}) == ["a", "b"]
        assert answers.lease(rows, "dan", 60, count=5) == ["b"]  # cid's time is over, bob's c and d are not


VERSION_1 = """
CREATE TABLE schema_version (version INTEGER NOT NULL);
INSERT INTO schema_version VALUES (1);
CREATE TABLE answers (seq INTEGER PRIMARY KEY, row_id TEXT NOT NULL, text_digest TEXT NOT NULL, task TEXT,
  verdict TEXT NOT NULL, label TEXT, who TEXT NOT NULL, at TEXT NOT NULL, undoes INTEGER);
CREATE INDEX answers_by_row ON answers (row_id, text_digest);
INSERT INTO answers VALUES (1, 'a', 'd1', 'intent', 'label', 'slow', 'ann', '2026-01-01T00:00:00+00:00', NULL);
INSERT INTO answers VALUES (2, 'a', 'd1', 'intent', 'label', 'outage', 'ann', '2026-01-01T00:00:01+00:00', NULL);
INSERT INTO answers VALUES (3, 'a', 'd1', 'intent', 'undo', NULL, 'ann', '2026-01-01T00:00:02+00:00', 2);
INSERT INTO answers VALUES (5, 'b', 'd2', NULL, 'junk', NULL, 'bob', '2026-01-01T00:00:03+00:00', NULL);
"""


def version_1(path: Path) -> None:
    path.parent.mkdir(parents=True)
    old = sqlite3.connect(path)
    old.executescript(VERSION_1)
    old.close()


def test_a_file_of_an_older_tilth_is_migrated_and_kept_as_it_was(path: Path) -> None:
    version_1(path)
    with pytest.raises(RequestError, match="version 1; run a night"):
        Answers.open(path, read_only=True)
    with Answers.open(path) as answers:
        assert answers.migrated_from == 1
        assert in_force(answers) == [("a", "intent", "label", "slow", "ann"), ("b", "", "junk", None, "bob")]
        assert answers.add([label("c", "slow")], "ann") == [6]
        answers.undo("ann", step="version-1-1")
        assert [one[0] for one in in_force(answers)] == ["b", "c"]
    with Answers.open(path) as answers:
        assert answers.migrated_from is None
    kept = sqlite3.connect(path.with_name("labels-version-1.sqlite"))
    assert kept.execute("SELECT count(*) FROM answers").fetchone() == (4,)
    kept.close()


def test_a_backup_of_an_older_tilth_forgets_too(path: Path) -> None:
    copy = path.parent / "backups" / "labels-2026-01-01.sqlite"
    version_1(copy)
    counts, seen, _ = forget_answers(path, {"a"}, dry_run=False)
    assert (counts["answers in backups"], seen, backups(path)) == (3, {"a"}, [copy])
    with Answers.open(copy, read_only=True) as answers:
        assert answers.current()["row_id"].tolist() == ["b"]


def test_a_file_of_a_newer_tilth_is_refused_and_left_as_it_is(path: Path) -> None:
    with Answers.open(path) as answers:
        answers.add([label("a", "slow")], "ann")
    newer = sqlite3.connect(path)
    newer.execute("UPDATE schema_version SET version = 99")
    newer.commit()
    newer.close()
    before = path.read_bytes()
    with pytest.raises(RequestError, match=r"newer tilth.*99.*pip install -U tilth"):
        Answers.open(path)
    assert path.read_bytes() == before


def test_another_database_is_no_file_of_answers(path: Path) -> None:
    path.parent.mkdir()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE tasks (x)")
    other.commit()
    other.close()
    with pytest.raises(RequestError, match=r"none of answers .*tasks"):
        Answers.open(path)


def test_a_damaged_file_names_its_newest_backup(path: Path) -> None:
    with Answers.open(path) as answers:
        answers.add([label(str(row), "slow", text="x" * 5000) for row in range(50)], "ann")
    copy = back_up(path, keep=3, day="2026-01-02")
    whole = path.read_bytes()
    for broken in (b"id,label\n1,a\n" * 400, whole[:4096] + os.urandom(4096) * 5 + whole[24576:]):
        path.write_bytes(broken)
        with pytest.raises(DamagedFileError, match=f"damaged .*cp {copy} {path}"), Answers.open(path) as answers:
            answers.check()
        with pytest.raises(DamagedFileError):
            back_up(path, keep=3, day="2026-01-03")
        assert backups(path) == [copy]
    shutil.copy(str(copy), path)
    with Answers.open(path) as answers:
        assert len(answers) == 50


def test_a_full_disk_and_a_file_that_may_only_be_read_are_told(path: Path) -> None:
    with Answers.open(path) as answers:
        answers.add([label("a", "slow")], "ann")
        pages = answers._connection.execute("PRAGMA page_count").fetchone()[0]
        answers._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(RequestError, match="no room left on the disk, so that this answer is not stored"):
            answers.add([label("b", "slow", text="x" * 100_000)], "ann")
        assert [one[0] for one in in_force(answers)] == ["a"]
        answers._connection.execute("PRAGMA query_only = ON")
        with pytest.raises(RequestError, match=r"make the file and its folder .* writable"):
            answers.add([label("b", "slow")], "ann")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(RequestError, match="cannot be made"):
        Answers.open(tmp_path / "data" / "labels.sqlite")


def test_backups_are_dated_and_only_so_many_stay(path: Path) -> None:
    assert back_up(path, keep=2) is None
    with Answers.open(path) as answers:
        for day in range(1, 5):
            answers.add([label(str(day), "slow")], "ann")
            back_up(path, keep=2, day=f"2026-01-0{day}")
    assert [one.name for one in backups(path)] == ["labels-2026-01-03.sqlite", "labels-2026-01-04.sqlite"]
    with Answers.open(backups(path)[0]) as copy:
        assert len(copy) == 3


def test_a_backup_with_more_answers_than_the_file_stays(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Answers.open(path) as answers:
        answers.add([label("a", "slow"), label("b", "slow")], "ann")
    copy = back_up(path, keep=1, day="2026-01-01")
    for leftover in path.parent.glob("labels.sqlite*"):
        leftover.unlink()
    assert back_up(path, keep=1, day="2026-01-02") is None
    assert "is gone" in caplog.text
    with Answers.open(path) as answers:
        answers.add([label("c", "slow")], "ann")
    assert back_up(path, keep=1, day="2026-01-02") is None
    assert "holds 1 answers, and its backup" in caplog.text
    assert backups(path) == [copy]


def test_what_is_forgotten_stands_nowhere_in_the_file(path: Path) -> None:
    secret = "my card number is four one one one"
    with Answers.open(path) as answers:
        answers.add([label("a", "slow", text=secret, shown={"note": secret}), label("b", "slow")], "ann")
        answers.add([label("a", "outage", text=secret)], "bob")
        answers.undo("bob")
        assert answers.forget(["a", "unknown"]) == 3
        assert in_force(answers) == [("b", "intent", "label", "slow", "ann")]
        answers.add([label("c", "slow")], "ann")
    assert not any(b"four one one" in file.read_bytes() for file in path.parent.iterdir())
    other = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="never deleted"):
        other.execute("DELETE FROM answers")
    other.close()


WRITER = """
import sys
from pathlib import Path
from tilth.store.answers import Answer, Answers
path, who, until = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
with Answers.open(path) as answers:
    for number in range(until):
        row = f"{who}-{number}"
        answers.add([Answer(row_id=row, text=row, task="t", label="x")], who)
        print(row, flush=True)
"""


def writer(path: Path, who: str, until: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), who, str(until)], stdout=subprocess.PIPE, text=True
    )


def test_what_was_acknowledged_outlives_kill_9_and_other_writers(path: Path) -> None:
    """Two people write at once, and one is killed amid it; `benchmarks/answer_store.py` does so with twenty."""
    killed, other = writer(path, "ann", 10**9), writer(path, "bob", 25)
    assert killed.stdout is not None
    seen = [killed.stdout.readline().strip() for _ in range(20)]
    os.kill(killed.pid, signal.SIGKILL)
    seen += killed.communicate()[0].split("\n")[:-1]
    theirs = other.communicate(timeout=300)[0].split()
    assert other.returncode == 0
    assert len(theirs) == 25
    with Answers.open(path) as answers:
        answers.check()
        stored = set(answers.current()["row_id"])
    assert {*seen, *theirs} - {""} <= stored
    assert len(stored) <= len({*seen, *theirs} - {""}) + 1  # the one that was stored as the process died


def test_a_hundred_thousand_answers_are_quick(path: Path) -> None:
    rows = [(str(row), digest(f"text of {row}")) for row in range(100_000)]
    with Answers.open(path) as answers:
        answers.add([junk(row) if int(row) % 20 == 0 else label(row, "slow") for row, _ in rows[:50_000]], "ann")
        start = time.process_time()
        assert len(answers.current()) == 50_000
        assert time.process_time() - start < 5
        start = time.process_time()
        answers.add([label("99999", "slow")], "ann")
        assert answers.lease(rows[50_000:], "ann", 60) == ["50000"]
        assert time.process_time() - start < 0.5  # seconds of this process: measured 0.01
        assert len(answers.current()) == 50_001
