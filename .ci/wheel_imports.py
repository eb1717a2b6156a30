"""Check, in the environment of a plain install, that nothing of `dev` is there and that all that tilth imports is.

Run by that environment's Python, outside the checkout. What a function imports only when it is called is looked for
too: such a line may wait for a night of other rows than a test's.
"""

import ast
import importlib
import importlib.metadata
import pkgutil
import re
import sys
from pathlib import Path

import tilth


def required(name: str, extra: bool) -> set[str]:
    """What a distribution requires, with or without an extra."""
    lines = importlib.metadata.requires(name) or ()
    return {re.split(r"[^\w.-]", line, maxsplit=1)[0].lower() for line in lines if ("extra ==" in line) == extra}


def extras() -> list[str]:
    """Distributions that only an extra of tilth names, and that are installed though no other one requires them."""
    there = {(found.metadata["Name"] or "").lower() for found in importlib.metadata.distributions()}
    needed = {name for one in there for name in required(one, extra=False)}
    return sorted((required("tilth", extra=True) & there) - needed)


def of_features() -> set[str]:
    """Modules of the extras that a person installs for a feature; whoever asks for it without is told the command."""
    found = set()
    for line in importlib.metadata.requires("tilth") or ():
        extra = re.search(r"extra == ['\"](\w+)['\"]", line)
        if extra and extra[1] not in {"dev", "docs"}:
            found.add(re.split(r"[^\w.-]", line, maxsplit=1)[0].lower().replace("-", "_"))
    return found


def unresolved(file: Path, module: str) -> list[str]:
    """Each import of a file, wherever it stands in it, that finds nothing."""
    found, features = [], of_features()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            wanted = [(alias.name, None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            wanted = [("." * node.level + (node.module or ""), alias.name) for alias in node.names]
        else:
            continue
        for name, part in wanted:
            if node.col_offset and name.partition(".")[0] in features:  # at the top of a file it would be needed always
                continue
            try:
                got = importlib.import_module(name, package=module)
                if part not in (None, "*") and not hasattr(got, part):
                    importlib.import_module(f"{got.__name__}.{part}")
            except ImportError as error:
                found.append(f"{file.name}:{node.lineno}: {error}")
    return found


def main() -> int:
    """Say what is wrong; 0 where nothing is."""
    root = Path(tilth.__file__).parent
    if "site-packages" not in root.parts:
        sys.stderr.write(f"tilth is imported from {root}, not from an installed wheel\n")
        return 1
    wrong = [f"{name} is installed, which only an extra names" for name in extras()]
    names = [one.name for one in pkgutil.walk_packages([str(root)], "tilth.")]
    for name in ("tilth", *names):
        if name.endswith("__main__"):
            continue
        file = importlib.import_module(name).__file__
        package = name if file and Path(file).name == "__init__.py" else name.rpartition(".")[0]
        wrong += unresolved(Path(str(file)), package)
    for file in (root / "workspace").rglob("*.py"):
        sys.path.insert(0, str(file.parent))
        wrong += unresolved(file, "")
    sys.stderr.writelines(f"{line}\n" for line in wrong)
    sys.stdout.write(f"wheel: {len(names)} modules, every import of theirs is there\n" if not wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
