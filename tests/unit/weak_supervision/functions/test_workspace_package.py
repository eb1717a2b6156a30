"""Files of a workspace that import each other, and packages that are installed: whose votes follow whose code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from pathlib import Path

import pytest

from tests.small_table import TASKS
from tilth.weak_supervision.functions import workspace_package
from tilth.weak_supervision.functions.loader import LoadedFunction, load_functions
from tilth.weak_supervision.voting.data_points import Row, RowSimilarities

HEAD = "from snorkel.labeling import labeling_function\nTASK = 'intent'\n"
FUNCTION = "@labeling_function()\ndef one(x):\n    return 'slow' if {test} else None\n"
HELPER = "from _words import WORDS\n\ndef holds(x):\n    return any(word in x.text for word in WORDS)\n"


def row(text: str) -> Row:
    return Row(0, RowSimilarities(lambda: None, lambda _: None), {"text": text})  # type: ignore[arg-type, return-value]


def write(where: Path, words: str = "slow", **files: str) -> None:
    where.mkdir(exist_ok=True)
    (where / "_helpers.py").write_text(HELPER)
    (where / "_words.py").write_text(f"WORDS = {words.split()!r}\n")
    for name, source in files.items():
        (where / f"{name}.py").write_text(HEAD + source)


def only(where: Path) -> LoadedFunction:
    loaded = load_functions(where, TASKS)
    assert loaded.problems == ()
    (function,) = loaded.functions
    return function


@pytest.mark.parametrize(
    ("imports", "test"),
    [
        ("import _helpers\n", "_helpers.holds(x)"),
        ("import _helpers as h\n", "h.holds(x)"),
        ("from _helpers import holds\n", "holds(x)"),
        ("from . import _helpers\n", "_helpers.holds(x)"),
        ("from ._helpers import holds as h\n", "h(x)"),
        ("", "__import__('_helpers').holds(x)"),
        ("def found(x):\n    from _helpers import holds\n    return holds(x)\n", "found(x)"),
        ("def found(x):\n    from . import _helpers\n    return _helpers.holds(x)\n", "found(x)"),
    ],
)
def test_a_file_finds_its_neighbors_and_its_key_follows_them(imports: str, test: str, tmp_path: Path) -> None:
    source, called = imports + FUNCTION.format(test=test), "__import__" in test
    write(tmp_path, a=source)
    first = only(tmp_path)
    assert [first.function(row(text)) for text in ("so slow", "so red")] == ["slow", None]
    assert (first.key is None) == called  # what is imported by a name made at run time cannot be told
    assert only(tmp_path).key == first.key
    write(tmp_path, words="red", a=source)  # two files away
    second = only(tmp_path)
    assert [second.function(row(text)) for text in ("so slow", "so red")] == [None, "slow"]
    (tmp_path / "_helpers.py").write_text(HELPER.replace("any(", "not any("))
    assert called or len({first.key, second.key, only(tmp_path).key}) == 3


class HookedLoader(SourceFileLoader):
    """As a library's path hook puts it in place of Python's own; beartype.claw, which Prefect brings, does."""


def test_neighbors_are_found_where_a_library_has_path_hooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = FileFinder.path_hook((HookedLoader, SOURCE_SUFFIXES))
    monkeypatch.setattr(sys, "path_hooks", [hook, *sys.path_hooks])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    write(tmp_path, a="import _helpers\n" + FUNCTION.format(test="_helpers.holds(x)"))
    assert only(tmp_path).function(row("so slow")) == "slow"


def test_a_helper_nobody_imports_costs_nothing(tmp_path: Path) -> None:
    write(tmp_path, a=FUNCTION.format(test="'slow' in x.text"))
    before = only(tmp_path).key
    (tmp_path / "_helpers.py").write_text("raise RuntimeError('read by nobody')\n")
    assert (only(tmp_path).key, before is None) == (before, False)


def test_files_that_a_helper_declares_are_part_of_the_key(tmp_path: Path) -> None:
    write(tmp_path, a="import _reads\n" + FUNCTION.format(test="_reads.words() in x.text"))
    reads = "from pathlib import Path\ndef words():\n    return (Path(__file__).parent / 'w.txt').read_text()\n"
    (tmp_path / "w.txt").write_text("slow")
    (tmp_path / "_reads.py").write_text(reads)
    assert only(tmp_path).key is None  # it says nowhere what it reads
    (tmp_path / "_reads.py").write_text(reads + "FILES = 'w.txt'\n")
    first = only(tmp_path).key
    (tmp_path / "w.txt").write_text("red")
    assert first not in (None, only(tmp_path).key)


def test_two_workspaces_in_one_process_have_their_own(tmp_path: Path) -> None:
    late = "def found(x):\n    import _helpers\n    return _helpers.holds(x)\n" + FUNCTION.format(test="found(x)")
    write(tmp_path / "a", words="slow", one=late)
    write(tmp_path / "b", words="red", one=late)
    before = list(sys.path)
    first, second = only(tmp_path / "a"), only(tmp_path / "b")
    assert [one.function(row("so slow")) for one in (first, second)] == ["slow", None]
    assert [one.function(row("so red")) for one in (first, second)] == [None, "slow"]
    assert sys.path == before
    assert not {"_helpers", "_words", "one"} & sys.modules.keys()


def test_what_is_installed_goes_before_a_neighbor_of_its_name(tmp_path: Path) -> None:
    write(tmp_path, a="import json\nimport snorkel\n" + FUNCTION.format(test="json.loads('1') and 'slow' in x.text"))
    for name in ("json", "snorkel"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('the wrong one')\n")
    loaded = load_functions(tmp_path, TASKS)
    assert [one.function(row("slow")) for one in loaded.functions] == ["slow"]
    assert {problem.where for problem in loaded.problems} == {"json.py", "snorkel.py"}
    assert [remark.where for remark in loaded.remarks] == ["a.py"]
    assert "from . import snorkel finds snorkel.py beside it" in loaded.remarks[0].why
    assert json.loads("1") == 1


def test_a_broken_neighbor_takes_only_those_that_import_it(tmp_path: Path) -> None:
    write(tmp_path, a="import _helpers\n" + FUNCTION.format(test="True"), b=FUNCTION.format(test="True"))
    (tmp_path / "_helpers.py").write_text("import no_such_module\n")
    loaded = load_functions(tmp_path, TASKS)
    assert [one.where for one in loaded.functions] == ["b.py"]
    assert "No module named 'no_such_module'" in loaded.problems[0].why


def test_a_function_imported_from_a_neighbor_is_not_a_second_one(tmp_path: Path) -> None:
    two = "from a import one\n@labeling_function()\ndef two(x):\n    return one(x)\n"
    write(tmp_path, a=FUNCTION.format(test="'slow' in x.text"), b=two)
    loaded = load_functions(tmp_path, TASKS)
    assert loaded.problems == ()
    assert [(one.name, one.where) for one in loaded.functions] == [("one", "a.py"), ("two", "b.py")]


def test_functions_in_lists_and_in_files_of_odd_names_are_found_and_lost_ones_are_told(tmp_path: Path) -> None:
    made = "from snorkel.labeling import LabelingFunction\nALL = [LabelingFunction(n, lambda x: None) for n in 'pq']\n"
    write(tmp_path, twice=2 * FUNCTION.format(test="True"))
    (tmp_path / "my-list.v2.py").write_text(HEAD + "from . import _words\n" + made)
    (tmp_path / "below").mkdir()
    (tmp_path / "below/c.py").write_text(HEAD + FUNCTION.format(test="True"))
    loaded = load_functions(tmp_path, TASKS)
    assert [one.name for one in loaded.functions] == ["p", "q", "one"]
    whys = {remark.where: remark.why for remark in loaded.remarks}
    assert whys["twice.py"] == "defines one twice, on lines 4 and 7: only the last counts"
    assert "1 files in folders below hold labeling functions that are not read" in whys[tmp_path.name]
    assert "below/c.py" in whys[tmp_path.name]


def test_a_dry_look_writes_nothing(tmp_path: Path) -> None:
    write(tmp_path, a="import _helpers\n" + FUNCTION.format(test="_helpers.holds(x)"))
    only(tmp_path)
    assert not list(tmp_path.rglob("*.pyc"))
    assert workspace_package.fresh(tmp_path).holds("_helpers")


PACKAGE = {
    "acme_votes/__init__.py": "__version__ = '1.0'\n",
    "acme_votes/rules.py": "import json, pathlib\nfrom snorkel.labeling import labeling_function\n"
    "import acme_base\nfrom acme_votes import terms\nTASK = 'intent'\n"
    "MORE = json.loads((pathlib.Path(__file__).parent / 'more.json').read_text())\n"
    "def made(word):\n    return lambda text: word in text\nfound = made('slow')\n"
    "@labeling_function()\ndef one(x):\n"
    "    return 'slow' if found(x.text) or terms.hit(x) or acme_base.hit(x) or MORE[0] in x.text else None\n",
    "acme_votes/terms.py": "TERMS = ['lag']\ndef hit(x):\n    return any(t in x.text for t in TERMS)\n",
    "acme_votes/more.json": '["more"]',
    "acme_base/__init__.py": "__version__ = '1.0'\nfrom acme_base.low import LOW\n"
    "def hit(x):\n    return LOW in x.text\n",
    "acme_base/low.py": "LOW = 'low'\n",
    "acme_votes-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: acme-votes\nVersion: 1.0\n",
    "acme_votes-1.0.dist-info/entry_points.txt": "[tilth.labeling_functions]\nall = acme_votes.rules\n",
}
ASK = """
import importlib, json, os, site, sys, traceback
from pathlib import Path
import snorkel.labeling
from tilth.samples import Task
from tilth.weak_supervision import load_functions

def ask(folder, home):
    sys.path.append(folder)
    importlib.invalidate_caches()
    if home == "packages":
        site.getsitepackages = lambda: [folder]
    loaded = load_functions(Path(folder) / "absent", [Task(name="intent", labels=("refund", "slow", "outage"))])
    assert not loaded.problems, loaded.problems
    print(loaded.functions[0].where, loaded.functions[0].key, loaded.fingerprint, flush=True)

for line in sys.stdin:  # each in a process that has loaded the libraries, and nothing of the package
    if (child := os.fork()) == 0:
        try:
            ask(*json.loads(line))
        except BaseException:
            traceback.print_exc()
            print("failed", flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.fixture(scope="module")
def asker() -> Iterator[subprocess.Popen[str]]:
    """A process that loads the functions of a folder in a new process of its own for each line it reads."""
    command = [sys.executable, "-B", "-c", ASK]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.mark.parametrize("home", ["packages", "editable"])
def test_votes_of_an_installed_package_follow_its_code_without_a_new_version(
    home: str, tmp_path: Path, asker: subprocess.Popen[str]
) -> None:
    def asked() -> tuple[str, str]:
        assert asker.stdin is not None
        assert asker.stdout is not None
        asker.stdin.write(json.dumps([str(tmp_path), home]) + "\n")
        asker.stdin.flush()
        where, key, fingerprint = asker.stdout.readline().split()
        assert where == "acme-votes:all"
        assert key != "None"
        return key, fingerprint

    for name, source in PACKAGE.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(source)
    found = [asked()]
    assert asked() == found[0]
    edits = [
        ("acme_votes/rules.py", "terms.hit(x) or", "not terms.hit(x) or"),
        ("acme_votes/rules.py", "made('slow')", "made('laggy')"),  # a closure
        ("acme_votes/terms.py", "['lag']", "['lagging']"),  # a module that it imports
        ("acme_votes/more.json", "more", "still more"),  # what it read when it was imported
        ("acme_base/low.py", "'low'", "'lower'"),  # another package, through its face
    ]
    for name, old, new in edits:
        (tmp_path / name).write_text((tmp_path / name).read_text().replace(old, new))
        found.append(asked())
    assert len({key for key, _ in found}) == len({fingerprint for _, fingerprint in found}) == len(edits) + 1
