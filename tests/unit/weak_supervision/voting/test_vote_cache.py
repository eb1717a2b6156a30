"""What a function's votes depend on, and that only what is new is asked again."""

from __future__ import annotations

import importlib.metadata
import sys
import types
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from tests.small_table import TASKS, HashingEncoder
from tilth.store import Cache
from tilth.weak_supervision.config import Config
from tilth.weak_supervision.functions import safe_import
from tilth.weak_supervision.functions.fingerprint import UnknownError, fingerprint
from tilth.weak_supervision.functions.loader import load_functions
from tilth.weak_supervision.functions.safe_import import GROUP
from tilth.weak_supervision.voting.cached_applier import cast_votes
from tilth.weak_supervision.voting.data_points import keys_of
from tilth.weak_supervision.voting.label_matrix import Ballot

HEAD = "import re\nfrom snorkel.labeling import labeling_function\nTASK = 'intent'\n"
ONE = HEAD + "WORDS = ('slow',)\ndef hit(x):\n    return any(w in x.text for w in WORDS)\n"
ONE += "@labeling_function()\ndef one(x):\n    '''Slow.'''\n    return 'slow' if hit(x) else None\n"


def key(folder: Path, source: str, name: str = "one") -> str | None:
    (folder / "a.py").write_text(source)
    loaded = load_functions(folder, TASKS)
    assert loaded.problems == ()
    return next(one.key for one in loaded.functions if one.name == name)


def test_the_key_follows_all_that_the_vote_depends_on_and_nothing_else(tmp_path: Path) -> None:
    first = key(tmp_path, ONE)
    assert first is not None
    assert key(tmp_path, ONE) == first
    assert key(tmp_path, "\n# a remark\n" + ONE) == first
    other = "\n@labeling_function()\ndef two(x):\n    return None\n"
    assert key(tmp_path, ONE + other) == first  # a new function costs the old ones nothing
    changed = [
        ONE.replace("('slow',)", "('slow', 'lag')"),
        ONE.replace("w in x.text", "w in x.text.lower()"),
        ONE.replace("return 'slow'", "return 'outage'"),
        ONE.replace("labeling_function()\ndef one(x)", "labeling_function(resources={'n': 1})\ndef one(x, n)"),
        ONE.replace("def one(x)", "def one(x, n=2)"),
        ONE.replace("WORDS = ('slow',)", "WORDS = re.compile('slow').pattern"),
    ]
    keys = [key(tmp_path, source) for source in changed]
    assert len({first, *keys}) == len(changed) + 1
    assert None not in keys


def test_closures_and_resources_count() -> None:
    from snorkel.labeling import LabelingFunction

    def made(word: str, **resources: object) -> LabelingFunction:
        return LabelingFunction("f", lambda x, **kw: word in x.text, resources=resources)

    same, other, more = fingerprint(made("a")), fingerprint(made("b")), fingerprint(made("a", n=[1, 2]))
    assert same == fingerprint(made("a"))
    assert len({same, other, more, fingerprint(made("a", n=[2, 1]))}) == 4


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("import random\n    return 'slow' if random.random() > 0.5 else None", "random"),
        ("return 'slow' if open('words.txt').read() in x.text else None", "opens files"),
        ("return 'slow' if THING else None", "has no fingerprint"),
    ],
)
def test_what_cannot_be_told_is_not_cached(body: str, why: str, tmp_path: Path) -> None:
    source = HEAD + f"import threading\nTHING = threading.Lock()\n@labeling_function()\ndef one(x):\n    {body}\n"
    assert key(tmp_path, source) is None
    first, second = (load_functions(tmp_path, TASKS) for _ in range(2))
    assert first.fingerprint != second.fingerprint  # so that the stage's own cache does not hold it either
    with pytest.raises(UnknownError, match=why):
        fingerprint(first.functions[0].function)


def test_declared_files_are_part_of_the_key(tmp_path: Path) -> None:
    source = HEAD + "FILES = ('words.txt',)\nfrom pathlib import Path\nHERE = Path(__file__).parent\n"
    source += (
        "@labeling_function()\ndef one(x):\n    return 'slow' if (HERE / 'words.txt').read_text() in x.text else None\n"
    )
    (tmp_path / "words.txt").write_text("slow")
    first, whole = key(tmp_path, source), load_functions(tmp_path, TASKS).fingerprint
    assert first is not None
    (tmp_path / "words.txt").write_text("lag")
    assert key(tmp_path, source) not in (None, first)
    assert load_functions(tmp_path, TASKS).fingerprint != whole
    (tmp_path / "words.txt").unlink()
    assert "FILES names what cannot be read" in load_functions(tmp_path, TASKS).problems[0].why


def cast(folder: Path, source: str, frame: pd.DataFrame, **config: object) -> list[Ballot]:
    (folder / "a.py").write_text(source)
    functions = load_functions(folder, TASKS).functions
    encoder = HashingEncoder()
    return cast_votes(
        functions,
        TASKS,
        frame,
        lambda: encoder.encode(frame["text"].tolist()),
        encoder.encode,
        Config(**config),  # type: ignore[arg-type]
        Cache(folder / "cache"),
    )


def test_new_rows_and_new_functions_cost_themselves(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": ["slow", "red", "slow"], "meta.channel": ["chat"] * 3})
    (first,) = cast(tmp_path, ONE, frame)
    assert first.column.tolist() == [1, -1, 1]
    assert first.calls == 2  # two rows are alike
    (again,) = cast(tmp_path, ONE, frame)
    assert (again.calls, again.column.tolist()) == (0, [1, -1, 1])
    more = pd.DataFrame({"text": ["so slow", "red", "slow"], "meta.channel": ["chat", "mail", "chat"]})
    (third,) = cast(tmp_path, ONE, more)
    assert (third.calls, third.column.tolist()) == (2, [1, -1, 1])  # one has another text, one another channel
    two = "\n@labeling_function()\ndef two(x):\n    return 'outage' if 'red' in x.text else None\n"
    old, new = cast(tmp_path, ONE + two, more)
    assert (old.calls, new.calls) == (0, 3)
    assert new.column.tolist() == [-1, 2, -1]


def test_failures_are_remembered_as_failures(tmp_path: Path) -> None:
    source = HEAD + "@labeling_function()\ndef one(x):\n    return 'slow' if x.text[3] else None\n"
    frame = pd.DataFrame({"text": ["slow", "red"]})
    for _ in range(2):
        (ballot,) = cast(tmp_path, source, frame, max_failures=0.5)
        assert (ballot.failures, ballot.column.tolist()) == (1, [1, -1])
        assert ballot.remark == "raised on 1 of 2 rows, last IndexError: string index out of range"
    (ballot,) = cast(tmp_path, source, frame, max_failures=0.4)
    assert "raised on 1 of 2 rows" in ballot.error


def test_a_damaged_file_is_asked_again(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": ["slow"]})
    cast(tmp_path, ONE, frame)
    (file,) = (tmp_path / "cache/votes").glob("*.safetensors")
    file.write_bytes(b"no such thing")
    (ballot,) = cast(tmp_path, ONE, frame)
    assert (ballot.calls, ballot.column.tolist()) == (1, [1])


def test_row_keys_tell_columns_apart() -> None:
    frame = pd.DataFrame({"text": ["a", "a"], "meta.one": ["b", "c"], "meta.two": ["c", "b"]})
    swapped = frame.rename(columns={"meta.one": "meta.two", "meta.two": "meta.one"})
    assert len({*keys_of(frame).tolist(), *keys_of(swapped).tolist()}) == 2
    assert keys_of(frame)[0] == keys_of(swapped)[1]


def test_a_package_announces_functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from snorkel.labeling import labeling_function

    @labeling_function()
    def shipped(x: SimpleNamespace) -> str | None:
        return "slow" if "slow" in x.text else None

    module = types.ModuleType("team_functions")
    module.__dict__.update(TASK="intent", shipped=shipped)
    monkeypatch.setitem(sys.modules, "team_functions", module)
    points = [
        importlib.metadata.EntryPoint(name="all", value="team_functions", group=GROUP),
        importlib.metadata.EntryPoint(name="again", value="team_functions:shipped", group=GROUP),
        importlib.metadata.EntryPoint(name="gone", value="no_such_module", group=GROUP),
    ]
    monkeypatch.setattr(safe_import, "entry_points", lambda: points)
    loaded = load_functions(tmp_path / "absent", TASKS)
    assert [(one.name, one.where) for one in loaded.functions] == [("shipped", "a package:all")]
    assert [problem.where for problem in loaded.problems] == ["a package:gone"]  # the same function twice is one
    assert loaded.fingerprint != ""
