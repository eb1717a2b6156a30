"""What four bits cost an encoder by how its weights are rounded, and whether few rows say it.

    python benchmarks/four_bits.py --data data/public

A linear probe on the default encoder's vectors of thirteen rows a class of banking77, and 1,500 gold rows; all layers,
the whole vocabulary. Points are of 100 of macro-F1 against the probe on float32's vectors. Fitted again: the probe is
fitted to the rounded encoder's vectors. Said: what the train rows say by five folds, by their labels, by the probe's
calibrated probabilities, and by both, as the search for a smaller model does; ± is a standard error.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import _results
import numpy as np
from compression import about, rows_of
from sklearn.model_selection import StratifiedKFold

from tilth.config import EncoderConfig
from tilth.learn import calibrate, new_probe
from tilth.learn.encoder import Encoder, Tokens, Trunk
from tilth.store import Cache
from tilth.training.compression.points import Estimate, estimate_points, one_hot, pooled
from tilth.training.compression.weights import pack_graph, share_products
from tilth.training.export import TrunkGraphs, load_weights, open_session, save_weights

FORMS = ("8 bits", "4 bits, the nearest value", "4 bits, made good by the next inputs")
COLUMNS = ("weights", "cosine to float32's", "points lost", "flipped", "fitted again: points lost", "flipped")
SAID = ("weights", "by labels", "by probabilities", "by both", "gold")


class Rounded:
    """The encoder in float32 and in each form.

    Args:
        source: its folder.
        read: texts by which weights are rounded.
        scratch: a folder for the graphs.
    """

    def __init__(self, source: Path, read: Sequence[str], scratch: Path) -> None:
        self._tokens, graphs = Tokens.load(source), TrunkGraphs(scratch, lambda: Trunk(source))
        full, int8 = graphs.get("float32"), graphs.get("int8 products, float embeddings")
        shared = share_products(full, int8, self._batches(self._pieces(read)))
        self._sessions = {"float32": open_session(full)}
        for form, bits, known in zip(FORMS, (8, 4, 4), ({}, {}, shared), strict=True):
            save_weights(scratch / "weights.npz", pack_graph(full, scratch / "packed.onnx", bits, int8, known))
            weights = load_weights(scratch / "weights.npz")
            self._sessions[form] = open_session(scratch / "packed.onnx", initializers=weights)

    def vectors(self, form: str, texts: Sequence[str]) -> np.ndarray:
        """Of some texts, shape (texts, dimensions)."""
        pieces = self._pieces(texts)
        order = np.argsort([len(piece) for piece in pieces], kind="stable")
        batches = self._batches([pieces[place] for place in order.tolist()])
        found = np.concatenate([self._sessions[form].run(None, dict(batch))[0] for batch in batches])
        return np.asarray(found[np.argsort(order)])

    def _pieces(self, texts: Sequence[str]) -> list[list[int]]:
        return self._tokens.chunks(texts, 128, 1)[1]

    def _batches(self, pieces: Sequence[list[int]]) -> Iterator[Mapping[str, np.ndarray]]:
        for start in range(0, len(pieces), 32):
            ids, mask = self._tokens.batch(pieces[start : start + 32])
            yield {"input_ids": ids.numpy(), "attention_mask": mask.numpy()}


def said(codes: np.ndarray, vectors: Mapping[str, np.ndarray]) -> dict[str, list[Estimate]]:
    """What rows say by five folds that each form loses: by labels, by probabilities, by both."""
    classes = int(codes.max()) + 1
    answers = {form: np.empty(len(codes), dtype=int) for form in vectors}
    plain = np.empty((len(codes), classes))
    for known, asked in StratifiedKFold(5, shuffle=True, random_state=0).split(codes, codes):
        probe = new_probe().fit(vectors["float32"][known], codes[known])
        plain[asked] = probe.predict_proba(vectors["float32"][asked])
        for form in vectors:
            answers[form][asked] = probe.predict(vectors[form][asked])
    logits = np.log(np.maximum(plain, 1e-12)) / calibrate(plain, codes)
    likely = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = {}
    for form in FORMS:
        pair = [answers["float32"]], [answers[form]]
        estimates = [estimate_points([truth], *pair) for truth in (one_hot(codes, classes), likely)]
        found[form] = [*estimates, pooled(*estimates)]
    return found


def main() -> None:
    """Run and put the tables into their file of results."""
    parser = _results.parser(__doc__, ["banking77:13"])
    parser.add_argument("--gold", type=int, default=1500)
    arguments = parser.parse_args()
    name, _, per_class = arguments.sets[0].partition(":")
    frame, task = rows_of(name, arguments.data, int(per_class or 0))
    gold = frame["split"] == "gold"
    train, tested = frame[~gold], frame[gold].sample(min(arguments.gold, int(gold.sum())), random_state=0)
    codes, truth = (task.codes(part["label_given"]) for part in (train, tested))
    with tempfile.TemporaryDirectory() as folder:
        encoder = Encoder(EncoderConfig(), Cache(Path(folder) / "cache"))
        rounded = Rounded(encoder.folder, train["text"].tolist()[::4], Path(folder))
        forms = ("float32", *FORMS)
        known, asked = (
            {form: rounded.vectors(form, part["text"].tolist()) for form in forms} for part in (train, tested)
        )
    probe = new_probe().fit(known["float32"], codes)
    full = probe.predict(asked["float32"])

    def lost(answers: np.ndarray) -> Estimate:
        return estimate_points([one_hot(truth, len(task.labels))], [full], [answers])

    table, of_rows, estimates = [], [], said(codes, known)
    for form in FORMS:
        cosine = (asked[form] * asked["float32"]).sum(axis=1).mean()
        ways = [one.predict(asked[form]) for one in (probe, new_probe().fit(known[form], codes))]
        figures = [[f"{lost(answers).value:.2f}", int((answers != full).sum())] for answers in ways]
        table.append([form, f"{cosine:.3f}", *figures[0], *figures[1]])
        values = [*estimates[form], lost(ways[0])]
        of_rows.append([form, *(f"{one.value:.2f} ± {one.error:.2f}" for one in values)])
    _results.write(
        "four_bits",
        "# What four bits cost\n\n"
        f"`python benchmarks/four_bits.py --sets {arguments.sets[0]} --gold {arguments.gold}`, {_results.machine()}. "
        f"{about(__doc__)}\n\n{_results.table(COLUMNS, table)}\n\n## Said by the train rows\n\n"
        f"{_results.table(SAID, of_rows)}",
    )


if __name__ == "__main__":
    main()
