"""Check what a wheel holds: all that `tilth init` and a night need, and nothing that a build should leave out."""

import fnmatch
import sys
import zipfile
from pathlib import Path

WORKSPACE = "tilth/workspace"
UNWANTED = ("*__pycache__*", "*.pyc", "*_cache/*", "*/.*", "*.tmp", "*.sqlite*", "*.log", "tests/*")


def packed(root: Path) -> list[str]:
    """The package's own files, modules and what they read beside them, as the wheel should name them."""
    files = [path for path in (root / "src" / "tilth").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return [path.relative_to(root / "src").as_posix() for path in files]


def wanted(root: Path) -> list[str]:
    """The demo workspace's files as the wheel should name them."""
    folders = ("flows", "labeling_functions", "data/raw")
    files = [path for folder in folders for path in (root / folder).iterdir() if path.is_file()]
    return [f"{WORKSPACE}/{path.relative_to(root).as_posix()}" for path in (*files, root / "tilth.toml")]


def main(wheel: Path, root: Path) -> int:
    """Say what is missing or unwanted; 0 where nothing is."""
    names = zipfile.ZipFile(wheel).namelist()
    workspace = wanted(root)
    missing = sorted({*packed(root), *workspace} - set(names))
    unwanted = {name for pattern in UNWANTED for name in fnmatch.filter(names, pattern)}
    unwanted |= {name for name in names if name.startswith(f"{WORKSPACE}/") and name not in workspace}
    for what, found in (("lacks", missing), ("should not hold", unwanted)):
        if found:
            sys.stderr.write(f"{wheel.name} {what}: {', '.join(sorted(found))}\n")
    return 1 if missing or unwanted else 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), Path(__file__).resolve().parents[1]))
