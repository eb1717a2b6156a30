"""What training makes of few labels and of the texts that the night labels by them: gold macro-F1 of its export.

    python benchmarks/few_tuned.py --data data/public

Each seed draws a few labels a class; all other texts have none, and weak supervision, which has no function, labels
them by the text. Training keeps the encoder as it is, or fine-tunes it; `auto` takes what does better on held-out rows.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import _results
import numpy as np
from _augmenters import Given, prepare
from _learners import Learners
from few_shot import gained, sizes_of, written

from tilth import samples as table
from tilth.config import EncoderConfig
from tilth.learn import Evidence, scores
from tilth.learn.encoder import Encoder
from tilth.stage.contract import Resources
from tilth.stage.registry import perform
from tilth.store import Cache
from tilth.training.export.predictor import Predictor
from tilth.training.inputs.config import Config
from tilth.weak_supervision.config import Config as WeakConfig

COLUMNS = ("data set", "labels a class", "model", "taken", "held-out", "gold macro-F1", "gain", "95%")
ALONE, FROZEN, TUNED, AUTO = "the labels alone, frozen", "a night, frozen", "a night, tuned", "a night, auto"


def measure(given: Given, encoder: Encoder, home: Path, seed: int) -> dict[str, tuple[float, float, bool]]:
    """For each model its held-out and its gold macro-F1, and whether `auto` takes it."""
    samples = table.from_pandas(given.frame, [given.task])
    evidence = Evidence(samples, encoder=encoder, cache=Cache(home / "cache"))

    def resources(stage: str) -> Resources:
        (home / stage).mkdir(parents=True)
        return Resources(tasks=(given.task,), seed=seed, evidence=evidence, scratch=home / stage)

    labeled = perform("weak_supervision", samples, WeakConfig(), resources("weak_supervision")).samples
    gold, truth = given.gold
    _, alone, _ = Learners(encoder, tuned=False).scored(given, given.sources, written(given, []), seed)
    scored, held = {}, {}
    for name, trunk in ((FROZEN, "frozen"), (TUNED, "tuned")):
        found = perform("training", labeled, Config.model_validate({"trunk": trunk}), resources(trunk))
        predict = Predictor.load(found.artifacts["model"])
        answers = [answer[given.task.name]["label"] for answer in predict(gold)]
        scored[name] = scores(truth, answers)["macro_f1"]
        held = found.metrics["trunk"].get("held_out", held)
    frozen, tuned = (held[kind][given.task.name]["macro_f1"] for kind in ("frozen", "tuned"))
    auto = TUNED if tuned > frozen else FROZEN
    return {
        ALONE: (np.nan, alone, False),
        FROZEN: (frozen, scored[FROZEN], auto == FROZEN),
        TUNED: (tuned, scored[TUNED], auto == TUNED),
        AUTO: (max(frozen, tuned), scored[auto], True),
    }


def main() -> None:
    """Run, print the table, and put it into its file of results."""
    parser = _results.parser(__doc__, ["sentfin:100", "banking77:5", "clinc150:5"])
    arguments = parser.parse_args()
    lines: list[list[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        encoder = Encoder(EncoderConfig(), Cache(Path(folder) / "embeddings"))
        for name, size in ((name, size) for name, sizes in map(sizes_of, arguments.sets) for size in sizes):
            runs = []
            for seed in range(arguments.seeds):
                begun = time.monotonic()
                given = prepare(name, arguments.data, size, seed)
                runs.append(measure(given, encoder, Path(folder) / f"{name}-{size}-{seed}", seed))
                print(name, size, seed, runs[-1], f"{time.monotonic() - begun:.0f} s", flush=True)
            for model in runs[0]:
                held, gold, taken = (list(column) for column in zip(*(run[model] for run in runs), strict=True))
                gain = gained(gold, [run[ALONE][1] for run in runs]) if model != ALONE else ["", ""]
                counts = "" if model in (ALONE, AUTO) else f"{sum(taken)} of {len(taken)}"
                shown = "" if model == ALONE else _results.shown(held)
                lines.append([name, str(size), model, counts, shown, _results.shown(gold), *gain])
    _results.write(
        "few_tuned",
        f"# What training makes of few labels\n\n`python benchmarks/few_tuned.py --sets {' '.join(arguments.sets)} "
        f"--seeds {arguments.seeds}` ({_results.machine()})\n\n"
        f"Gold macro-F1 of the exported model, median over {arguments.seeds} seeds (smallest to largest), which draw "
        "the labeled rows; all other texts are labeled by the text, which teaches the heads on the frozen encoder and "
        "never the encoder itself. Gain: the median paired difference to the labels alone, and Student's 95% interval "
        "of its mean. Held-out: by which `auto` chooses, a fifth of the labeled rows. Taken: by `auto`.\n\n"
        + _results.table(COLUMNS, lines),
    )


if __name__ == "__main__":
    main()
