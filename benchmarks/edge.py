"""One encoder as float, as int8 of three kinds, and for an accelerator: size, time, memory and points, on one thread.

    python benchmarks/edge.py --data data/public

The default encoder, frozen; a linear probe on its float vectors of banking77's train rows answers gold rows by the
vectors of each kind. Time is the processor's, of one text at a time, in interleaved rounds; memory is the most that a
fresh process holds after it has loaded the graph and read a text. "Whatever the batch" is the largest difference that a
vector's numbers have alone and beside 31 other texts padded to one length. Providers of accelerators are run where this
ONNX Runtime has them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import _results
import numpy as np
import onnxruntime
import pandas as pd
from onnxruntime.quantization import QuantType, quantize_dynamic
from sklearn.metrics import f1_score

from tilth.learn import new_probe
from tilth.learn.encoder import Tokens, Trunk, resolve_model
from tilth.training.export import TrunkGraphs, edge_facts, quantize_edge
from tilth.training.export.edge.inputs import edge_inputs
from tilth.training.export.graphs.session import open_session

COLUMNS = (
    "kind",
    "MB",
    "ms a text",
    "MB of memory",
    "cosine to float, mean (least)",
    "whatever the batch",
    "macro-F1",
)
ACCELERATORS = ("QNNExecutionProvider", "NnapiExecutionProvider", "OpenVINOExecutionProvider")
CALIBRATION, ROUNDS = 64, 3

Read = Callable[[list[int]], np.ndarray]


def unit(vectors: np.ndarray) -> np.ndarray:
    """Of length 1, a row each."""
    flat = vectors.reshape(len(vectors), -1)
    return flat / np.linalg.norm(flat, axis=1, keepdims=True)


def plain(path: Path) -> Read:
    """A graph of any shape, one piece at a time."""
    session = open_session(path)
    return lambda ids: unit(together(session, [ids]))[0]


def together(session: onnxruntime.InferenceSession, pieces: list[list[int]]) -> np.ndarray:
    """Pieces padded to one length."""
    ids = np.zeros((len(pieces), max(map(len, pieces))), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, piece in enumerate(pieces):
        ids[row, : len(piece)], mask[row, : len(piece)] = piece, 1
    return np.asarray(session.run(["sentence_vector"], {"input_ids": ids, "attention_mask": mask})[0])


def edge(path: Path, length: int) -> Read:
    """A graph of one fixed shape."""
    session = open_session(path)
    return lambda ids: unit(session.run(["sentence_vector"], edge_inputs(ids, length))[0])[0]


def by_neighbors(path: Path, pieces: list[list[int]]) -> float:
    """The largest difference of a vector's numbers alone and in a batch."""
    session = open_session(path)
    alone = np.concatenate([together(session, [piece]) for piece in pieces])
    return float(np.abs(together(session, pieces) - alone).max())


def memory(path: Path) -> float:
    """Megabytes that a fresh process holds at most, beyond those of ONNX Runtime alone."""
    code = (
        "import resource, sys, onnxruntime as o\n"
        "held = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before, s = held(), o.SessionOptions()\n"
        "s.intra_op_num_threads = 1\n"
        "o.InferenceSession(sys.argv[1], s, providers=['CPUExecutionProvider'])\n"
        "print((held() - before) / 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/public"))
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--gold", type=int, default=400)
    parser.add_argument("--length", type=int, default=32)
    asked = parser.parse_args()
    train, gold = (
        pd.read_csv(asked.data / "banking77" / f"{name}.csv").sample(count, random_state=0)
        for name, count in (("train", asked.rows), ("test", asked.gold))
    )
    folder = resolve_model("default")
    _, pieces = Tokens.load(folder).chunks([*train["text"], *gold["text"]], asked.length, 1)
    taught, tested = pieces[: len(train)], pieces[len(train) :]
    with tempfile.TemporaryDirectory() as scratch:
        graphs = TrunkGraphs(Path(scratch), lambda: Trunk(folder))
        paths = {"float32": graphs.get("float32"), "int8, a scale a token (the export)": graphs.get("int8")}
        paths["int8, a scale a batch (ONNX Runtime's own)"] = Path(scratch) / "dynamic.onnx"
        quantize_dynamic(
            paths["float32"], Path(scratch) / "dynamic.onnx", per_channel=True, weight_type=QuantType.QInt8
        )
        edge_name = f"static int8 for the edge, {asked.length} tokens"
        paths[edge_name] = Path(scratch) / "edge.onnx"
        quantize_edge(paths["float32"], paths[edge_name], taught[:CALIBRATION], asked.length)
        readers = {name: edge(path, asked.length) if name == edge_name else plain(path) for name, path in paths.items()}
        probe = new_probe().fit(np.stack([readers["float32"](piece) for piece in taught]), train["category"])
        classes = sorted(gold["category"].unique())
        vectors, spent = timed(readers, tested)
        lines = []
        for name, path in paths.items():
            cosines = (vectors[name] * vectors["float32"]).sum(axis=1)
            neighbors = "one at a time" if name == edge_name else f"{by_neighbors(path, tested[:32]):.1e}"
            lines.append(
                [
                    name,
                    f"{path.stat().st_size / 1e6:.1f}",
                    f"{1000 * float(np.median(spent[name])):.2f}",
                    f"{memory(path):.0f}",
                    f"{cosines.mean():.4f} ({cosines.min():.3f})",
                    neighbors,
                    f"{f1_score(gold['category'], probe.predict(vectors[name]), average='macro', labels=classes):.3f}",
                ]
            )
        facts = edge_facts(paths[edge_name])
    operators = ", ".join(f"{name} {count}" for name, count in facts.operators.items())
    there = onnxruntime.get_available_providers()
    runs = [[name, "at hand" if name in there else "not run: this ONNX Runtime has it not"] for name in ACCELERATORS]
    _results.write(
        "edge",
        f"# For a board without a GPU\n\n`python benchmarks/edge.py --rows {asked.rows} --gold {asked.gold} --length "
        f"{asked.length}`: banking77, {len(gold)} gold rows, texts cut at {asked.length} tokens; one thread, processor "
        f"time. {_results.machine()}, ONNX Runtime {onnxruntime.__version__}.\n\n"
        f"{_results.table(COLUMNS, lines)}\n\nOperators of the edge graph: {operators}. Not listed by all three: "
        f"{json.dumps(facts.unlisted) if facts.unlisted else 'none'}. Its scales are measured on {CALIBRATION} train "
        f"texts; no epoch was trained with it (quantization-aware training: not run).\n\n"
        f"{_results.table(('provider', 'run'), runs)}",
    )


def timed(readers: dict[str, Read], pieces: list[list[int]]) -> tuple[dict[str, np.ndarray], dict[str, list[float]]]:
    """Each reader's vectors, and seconds a text of each round."""
    vectors: dict[str, np.ndarray] = {}
    spent: dict[str, list[float]] = {name: [] for name in readers}
    for share in np.array_split(np.arange(len(pieces)), ROUNDS):
        for name, read in readers.items():
            began = time.process_time()
            rows = [read(pieces[place]) for place in share]
            spent[name].append((time.process_time() - began) / len(share))
            vectors[name] = np.concatenate([vectors[name], rows]) if name in vectors else np.stack(rows)
    return vectors, spent


if __name__ == "__main__":
    main()
