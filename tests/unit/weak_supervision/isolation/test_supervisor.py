"""Functions that loop, grow, print, die or change their input: the night goes on, and they are named."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import threadpoolctl
from snorkel.labeling import LabelingFunction
from snorkel.preprocess import preprocessor

import tilth
from tests.small_table import TASKS, HashingEncoder
from tilth.weak_supervision.config import Config
from tilth.weak_supervision.functions import loader
from tilth.weak_supervision.functions.loader import LoadedFunction, load_functions
from tilth.weak_supervision.isolation import supervisor
from tilth.weak_supervision.isolation.limits import Limits
from tilth.weak_supervision.isolation.supervisor import run_guarded, why_not_isolated
from tilth.weak_supervision.isolation.worker import ask_parent, enter_step
from tilth.weak_supervision.voting.cached_applier import cast_votes
from tilth.weak_supervision.voting.label_matrix import Ballot

TEXTS = ("slow internet", "bad line", "my refund", "red light")
QUICK = Config(min_seconds=1.0, seconds_per_thousand=0.001, max_megabytes=200)


def function(name: str, body: Any) -> LoadedFunction:
    return LoadedFunction(task="intent", name=name, function=LabelingFunction(name, body), fingerprint=name)


def cast(*functions: LoadedFunction, config: Config = QUICK, **columns: list[Any]) -> list[Ballot]:
    frame = pd.DataFrame({"text": list(TEXTS), **{f"meta.{name}": values for name, values in columns.items()}})
    encoder = HashingEncoder()
    return cast_votes(
        list(functions), TASKS, frame, lambda: encoder.encode(frame["text"].tolist()), encoder.encode, config
    )


def loops(x: SimpleNamespace) -> None:
    while "bad" in x.text:
        pass


def grows(x: SimpleNamespace) -> None:
    held = []
    while "bad" in x.text:
        held.append(bytearray(10_000_000))


def test_each_accident_is_named_and_the_others_vote() -> None:
    good = function("good", lambda x: "slow" if "slow" in x.text else None)
    found = cast(
        function("loops", loops),
        function("catastrophic", lambda x: re.match(r"(a+)+$", "a" * 40 + "b")),
        function("exits", lambda x: os._exit(3) if "bad" in x.text else None),
        function("leaves", lambda x: sys.exit(2)),
        function("floats", lambda x: 1.0),
        function("minus", lambda x: -1.0),
        function("true", lambda x: True),
        good,
    )
    errors = [ballot.error for ballot in found]
    assert errors[0] == errors[1] == "still ran after 1 seconds, its limit of time"
    assert errors[2] == "ended its process with status 3"
    assert errors[3] == "raised on 4 of 4 rows, last SystemExit: 2"
    wanted = "return the label's name, or None to abstain"
    assert errors[4] == f'returned 1.0, which is no class; {wanted} (on 4 of 4 rows, first "slow internet")'
    assert errors[5].startswith("returned -1.0")
    assert errors[6].startswith("returned True")
    assert errors[7] == ""
    assert found[7].column.tolist() == [1, -1, -1, -1]


def test_one_that_allocates_without_end_loses_the_row_or_its_place() -> None:
    # Where the system enforces the limit the row's allocation fails; elsewhere the process is ended.
    (ballot,) = cast(function("grows", grows), config=QUICK.model_copy(update={"max_failures": 0.5, "min_seconds": 30}))
    if ballot.votes is None:
        assert "200 MB of memory, its limit" in ballot.error
    else:
        assert ballot.column.tolist() == [-1] * 4
        assert (ballot.failures, ballot.remark) == (1, "raised on 1 of 4 rows, last MemoryError: ; votes on no row")


def test_printing_is_held_back_and_told(capfd: pytest.CaptureFixture[str]) -> None:
    def prints(x: SimpleNamespace) -> str:
        sys.stdout.write("hello there\n")
        os.write(1, b"past python\n")
        return "slow"

    (ballot,) = cast(function("prints", prints))
    assert ballot.column.tolist() == [1] * 4
    assert ballot.remark.startswith("prints: hello there")
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("isolate", [True, False])
def test_no_function_changes_what_another_sees(isolate: bool) -> None:
    def changes(x: SimpleNamespace) -> str:
        x.text = "refund"
        return "slow"

    def empties(x: SimpleNamespace) -> None:
        x.tags.clear()

    found = cast(
        function("changes", changes),
        function("empties", empties),
        function("sees", lambda x: "slow" if x.tags == ["a"] and x.text in TEXTS else None),
        config=QUICK.model_copy(update={"isolate": isolate}),
        tags=[["a"] for _ in TEXTS],
    )
    assert found[0].error.startswith("raised on 4 of 4 rows, last AttributeError: a row may not be changed")
    assert found[1].error == ""
    assert found[2].column.tolist() == [1] * 4


def test_a_preprocessor_gets_a_copy_that_it_may_change() -> None:
    @preprocessor()
    def lower(x: Any) -> Any:
        x.text = x.text.replace("slow", "SLOW")
        return x

    body = LabelingFunction(
        "pre", lambda x: "slow" if "SLOW" in x.text and x.similar_to("slow") > 0.5 else None, pre=[lower]
    )
    with_pre = LoadedFunction(task="intent", name="pre", function=body, fingerprint="")
    plain = function("plain", lambda x: "slow" if "slow" in x.text else None)
    found = cast(with_pre, plain)
    assert [ballot.column.tolist() for ballot in found] == [[1, -1, -1, -1]] * 2


def test_the_parent_alone_runs_the_encoder() -> None:
    here = os.getpid()

    class Watched(HashingEncoder):
        def encode(self, texts: Any, progress: Any = None) -> np.ndarray:
            assert os.getpid() == here
            return super().encode(texts)

    near = function("near", lambda x: "slow" if x.similar_to("slow internet") > 0.9 else None)
    tilth.examples(hits=["slow internet"], misses=["red light"])(near.function)
    encoder, frame = Watched(), pd.DataFrame({"text": list(TEXTS)})
    (ballot,) = cast_votes([near], TASKS, frame, lambda: encoder.encode(list(TEXTS)), encoder.encode, QUICK)
    assert ballot.column.tolist() == [1, -1, -1, -1]


def test_the_parts_of_a_large_table_are_put_together_in_order() -> None:
    frame = pd.DataFrame({"text": [f"{'slow' if i % 3 == 0 else 'red'} {i}" for i in range(5000)]})
    functions = [
        function("slow", lambda x: "slow" if x.text.startswith("slow") else None),
        function("red", lambda x: "outage" if x.text.startswith("red") else None),
        function("dies", lambda x: os._exit(1) if x.text == "red 4999" else None),
    ]
    config = Config(processes=2)
    found = cast_votes(functions, TASKS, frame, ask_parent, ask_parent, config)  # type: ignore[arg-type]
    expected = np.where(np.arange(5000) % 3 == 0, 1, -1)
    assert np.array_equal(found[0].column, expected)
    assert np.array_equal(found[1].column, np.where(expected == 1, -1, 2))
    assert found[2].error == "ended its process with status 1"


def test_children_that_run_are_ended_where_another_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    started, start = [], supervisor._Child._start

    def once(child: supervisor._Child) -> None:
        if started:
            raise OSError("Resource temporarily unavailable")
        start(child)
        started.append(child.process)

    monkeypatch.setattr(supervisor._Child, "_start", once)
    with pytest.raises(OSError, match="temporarily"):
        run_guarded([lambda: 1, lambda: 2], Limits(processes=2))
    assert not started[0].is_alive()


def test_time_is_counted_by_step_and_not_by_piece() -> None:
    def piece() -> int:
        for step in (0, 1, 0, 1):
            enter_step(step)
            time.sleep(0.2)
        enter_step(7)
        time.sleep(5)
        return 1

    (done,) = run_guarded([piece], Limits(seconds=0.7))
    assert (done.step, done.error) == (7, "still ran after 0.7 seconds, its limit of time")
    (done,) = run_guarded([piece], Limits(seconds=0.3))
    assert done.step == 0


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("while True: pass", "still ran after 1 seconds"),
        ("raise SystemExit(4)", "SystemExit: 4"),
        ("import os; os._exit(5)", "ended its process with status 5"),
    ],
)
def test_a_file_that_hangs_or_exits_on_import_is_left_out(
    source: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader, "IMPORT_SECONDS", 1.0)
    (tmp_path / "bad.py").write_text(source)
    loaded = load_functions(tmp_path, TASKS)
    assert loaded.functions == ()
    assert why in loaded.problems[0].why


def test_a_file_that_prints_on_import_is_used_and_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    head = "from snorkel.labeling import labeling_function\nTASK = 'intent'\nprint('loading words')\n"
    (tmp_path / "loud.py").write_text(head + "@labeling_function()\ndef one(x):\n    return 'slow'\n")
    loaded = load_functions(tmp_path, TASKS)
    assert len(loaded.functions) == 1
    assert loaded.remarks[0].why == "prints when it is imported: loading words"
    assert capfd.readouterr().out == ""


def test_a_child_has_one_thread_in_every_library() -> None:
    """A pool of threads does not survive a fork, and two children with two threads each are in each other's way."""
    [done] = run_guarded([lambda: [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]], Limits())
    assert set(done.value) == {1}


def test_where_a_fork_is_unsafe_functions_run_in_the_nights_own_process_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "from snorkel.labeling import labeling_function\nTASK = 'intent'\n"
    (tmp_path / "one.py").write_text(source + "@labeling_function()\ndef one(x):\n    return None\n")
    assert load_functions(tmp_path, TASKS).remarks == ()
    monkeypatch.delenv("OBJC_DISABLE_INITIALIZE_FORK_SAFETY", raising=False)
    monkeypatch.setattr(sys, "platform", "darwin")
    (outcome,) = run_guarded([os.getpid], Limits())
    assert outcome.value == os.getpid()
    (remark,) = load_functions(tmp_path, TASKS).remarks
    assert (remark.where, remark.why) == (
        "isolation",
        "imported and run in this process, without limits of time and memory, "
        "for macOS may end a forked process; "
        "to have guarded ones, set OBJC_DISABLE_INITIALIZE_FORK_SAFETY=YES before Python starts",
    )
    assert load_functions(tmp_path / "absent", TASKS).remarks == ()
    monkeypatch.setenv("OBJC_DISABLE_INITIALIZE_FORK_SAFETY", "YES")  # as in the process of a night
    assert load_functions(tmp_path, TASKS).remarks == ()
    (outcome,) = run_guarded([os.getpid], Limits())
    assert outcome.value not in (None, os.getpid())
    monkeypatch.delattr(os, "fork")
    assert why_not_isolated() == "guarded processes are forked, which this system (darwin) cannot do"
