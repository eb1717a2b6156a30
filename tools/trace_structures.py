"""Write the traced structures that come with the package: of the default encoder, and of what stands for none.

    python tools/trace_structures.py

Run it after a change of `learn/encoder/trunk.py`, of `StaticTrunk`, or of torch's exporter, that is to reach exported
models.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import onnx

from tilth.learn.encoder import Trunk, resolve_model
from tilth.training.compression import no_encoder
from tilth.training.export.graphs.graph_structure import PACKAGED, architecture, trace_structure
from tilth.training.export.graphs.onnx_graphs import trace


def main() -> None:
    """Trace them and replace what was there."""
    default = resolve_model("default")
    PACKAGED.mkdir(exist_ok=True)
    for old in PACKAGED.glob("*.onnx"):
        old.unlink()
    for trunk in (Trunk(default).eval(), no_encoder([], default)[0]):
        with tempfile.TemporaryDirectory() as folder:
            structure = trace_structure(trunk, Path(folder) / "traced.onnx", trace)
        onnx.save(structure, PACKAGED / f"{architecture(trunk)}.onnx")


if __name__ == "__main__":
    main()
