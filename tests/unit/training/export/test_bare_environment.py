"""A model's folder answers where ONNX Runtime, tokenizers and numpy are the only packages."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import tilth
from tilth.cli.models import bare
from tilth.cli.models.predict import predict

ALLOWED = ("numpy", "onnxruntime", "tokenizers", "tilth")


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an environment with nothing else has on its path."""
    path = tmp_path_factory.mktemp("packages")
    for name in ALLOWED:
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        place = Path(spec.origin).parent
        (path / name).symlink_to(place)
        if (libraries := place.with_name(f"{name}.libs")).is_dir():
            (path / libraries.name).symlink_to(libraries)
    return path


def run(packages: Path, here: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(here), "PYTHONPATH": str(packages)}
    code = "import sys; from tilth.cli import main; raise SystemExit(main())"
    command = [sys.executable, "-S", "-W", "error", "-c", code, *words]  # -S: no site-packages
    return subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_texts_csv_and_jsonl_are_answered_and_parquet_names_its_package(
    written: Path, packages: Path, tmp_path: Path
) -> None:
    expected = tilth.Predictor.load(written)(["refund still missing"])[0]
    texts = run(packages, tmp_path, "predict", "--run", str(written), "refund still missing")
    assert texts.stderr == ""
    assert json.loads(texts.stdout) == expected
    (tmp_path / "rows.csv").write_text("id,text\n1,refund still missing\n2,\n")
    csv = run(packages, tmp_path, "predict", "--run", str(written), "--input", "rows.csv", "--out", "out.csv", "--json")
    assert json.loads(csv.stdout) == {"out": "out.csv", "rows": 2, "without_text": 1, "unreadable": 0}
    (tmp_path / "rows.jsonl").write_text('{"text": "refund still missing", "n": 1}\n')
    jsonl = run(packages, tmp_path, "predict", "--run", str(written), "--input", "rows.jsonl")
    answer = json.loads(jsonl.stdout)
    assert {key: answer[f"intent_predicted{end}"] for key, end in (("label", ""), ("confidence", "_confidence"))} == {
        key: expected["intent"][key] for key in ("label", "confidence")
    }
    assert (tmp_path / "out.csv").read_text().splitlines()[1].split(",")[4] == expected["intent"]["label"]
    (tmp_path / "rows.parquet").write_bytes(b"PAR1....PAR1")
    parquet = run(packages, tmp_path, "predict", "--run", str(written), "--input", "rows.parquet")
    assert parquet.returncode == 2
    assert "rows.parquet, a Parquet file, takes pyarrow, which is not installed: pip install pyarrow" in parquet.stderr
    other = run(packages, tmp_path, "run")
    assert other.returncode == 2
    assert "`tilth run` takes cyclopts" in other.stderr


def test_the_bare_command_has_the_options_of_the_whole_one() -> None:
    whole = {name: parameter.default for name, parameter in inspect.signature(predict).parameters.items()}
    whole["texts"] = []
    assert vars(bare.parser().parse_args([])) == whole
    options = {word for action in bare.parser()._actions for word in action.option_strings}
    names = {"json" if name == "as_json" else name for name in whole if name != "texts"}
    assert options == {"-h", "--help", *(f"--{name}" for name in names)}
