"""Rows, exports and the store's copy at addresses of S3, by a server of it on this machine."""

from __future__ import annotations

import io
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.command_line import Workspace, new_workspace

moto_server = pytest.importorskip("moto.server", reason="needs moto, of the extra dev")
pytest.importorskip("s3fs", reason="needs s3fs, of the extra dev")
pytestmark = pytest.mark.slow

CLEAN = ("--to", "cleaning")


@pytest.fixture(scope="module")
def bucket() -> Iterator[dict[str, str]]:
    """The variables of a user of S3 whose bucket `inbox` is there."""
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    urllib.request.urlopen(urllib.request.Request(f"{url}/inbox", method="PUT")).close()
    yield {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "someone",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    server.stop()


def objects(bucket: dict[str, str], prefix: str = "") -> list[str]:
    """Names of what the bucket holds."""
    import xml.etree.ElementTree as Xml

    with urllib.request.urlopen(f"{bucket['AWS_ENDPOINT_URL']}/inbox?list-type=2&prefix={prefix}") as answer:
        return [str(one.text) for one in Xml.parse(answer).iter() if one.tag.endswith("Key")]


def content(bucket: dict[str, str], name: str) -> bytes:
    """What stands at a name."""
    import s3fs

    files = s3fs.S3FileSystem(
        key=bucket["AWS_ACCESS_KEY_ID"],
        secret=bucket["AWS_SECRET_ACCESS_KEY"],
        endpoint_url=bucket["AWS_ENDPOINT_URL"],
        skip_instance_cache=True,
    )
    found: bytes = files.cat_file(f"inbox/{name}")
    return found


def put(bucket: dict[str, str], name: str, data: bytes) -> None:
    """Store an object, as another program would."""
    place, kind = f"{bucket['AWS_ENDPOINT_URL']}/inbox/{name}", {"Content-Type": "text/csv"}
    request = urllib.request.Request(place, data=data, method="PUT", headers=kind)
    urllib.request.urlopen(request).close()


def allow_without_rights(bucket: dict[str, str], requests: bytes) -> None:
    """How many requests the server answers before it asks whether the user, who has none, has the right."""
    place, kind = f"{bucket['AWS_ENDPOINT_URL']}/moto-api/reset-auth", {"Content-Type": "text/plain"}
    urllib.request.urlopen(urllib.request.Request(place, data=requests, method="POST", headers=kind)).close()


def test_rows_come_from_a_bucket_and_the_night_goes_back_there(bucket: dict[str, str], tmp_path: Path) -> None:
    workspace = new_workspace(tmp_path / "one", **bucket)
    rows = workspace.root / "data/raw/inbox.csv"
    put(bucket, "rows/inbox.csv", rows.read_bytes())
    gold = str(workspace.root / "data/raw/gold.csv")
    config = workspace.root / "tilth.toml"
    config.write_text(config.read_text() + '\n[store]\naddress = "s3://inbox/copy"\n')
    done = workspace("run", "--input", "s3://inbox/rows/*.csv", "--gold", gold, *CLEAN)
    assert done.returncode == 0, done.stderr
    record = workspace.record()
    assert [(item["path"], item["rows"]) for item in record["inputs"]][:1] == [("s3://inbox/rows/inbox.csv", 200)]
    night = workspace.runs[-1].name
    assert record["mirrored"] == {"address": "s3://inbox/copy", "nights": [night], "error": None}
    assert {f"copy/runs/{night}/{name}" for name in ("run.json", "1-cleaning.parquet", "report.html")} <= set(
        objects(bucket, "copy/")
    )

    exported = workspace("export", "s3://inbox/better.csv", "--run", night)
    assert exported.returncode == 0, exported.stderr
    assert len(pd.read_csv(io.BytesIO(content(bucket, "better.csv")))) == int(exported.stdout.split(" rows")[0])
    again = workspace("export", "s3://inbox/better.csv", "--run", night)
    assert (again.returncode, "is there already" in again.stderr) == (2, True)

    other = Workspace(tmp_path / "two", bucket)
    other.root.mkdir()
    (other.root / "tilth.toml").write_text(config.read_text())
    restored = other("restore")
    assert restored.returncode == 0, restored.stderr
    assert [run.name for run in other.runs] == [night]
    assert other.record() == {key: value for key, value in record.items() if key != "mirrored"}


def test_a_bucket_without_rights_loses_no_night(bucket: dict[str, str], tmp_path: Path) -> None:
    workspace = new_workspace(tmp_path / "workspace", **bucket)
    allow_without_rights(bucket, b"0")
    try:
        done = workspace("run", *CLEAN, "--out", "s3://inbox/denied")
    finally:
        allow_without_rights(bucket, b"inf")
    assert done.returncode == 0, done.stderr
    assert 'store.address "s3://inbox/denied" cannot be' in done.stderr
    assert "the next one copies it too" in done.stderr
    assert workspace.record()["status"] == "completed"
    assert objects(bucket, "denied") == []
