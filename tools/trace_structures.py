"""Write the traced structure of the default encoder, which comes with the package.

    python tools/trace_structures.py

Run it after a change of `learn/encoder/trunk.py`, or of torch's exporter, that is to reach exported models.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import onnx

from tilth.learn.encoder import Trunk, resolve_model
from tilth.training.export.graphs.graph_structure import PACKAGED, architecture, trace_structure
from tilth.training.export.graphs.onnx_graphs import trace


def main() -> None:
    """Trace it and replace what was there."""
    trunk = Trunk(resolve_model("default")).eval()
    PACKAGED.mkdir(exist_ok=True)
    for old in PACKAGED.glob("*.onnx"):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        structure = trace_structure(trunk, Path(folder) / "traced.onnx", trace)
    onnx.save(structure, PACKAGED / f"{architecture(trunk)}.onnx")


if __name__ == "__main__":
    main()
