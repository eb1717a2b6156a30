"""Is augmentation worth drawing: what its learning curve forecasts, held against the proof of a draw that was forced.

    python benchmarks/augmentation_worth.py --data data/public

Of each data set a few labels a class, of all its other train texts none. The forecast is what the stage says before it
draws, by `when = "auto"`; then it draws by `when = "always"`, and its proof says whether the paraphrases help. Gold
rows say what they really bring. The denoiser adapts once for a data set. A finished draw (data set, classes, labels a
class, seed) stands in `--cells` and is not run again until that folder goes; forecasts, which take seconds, are.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import _results
from _augmenters import Given, adapted, by_tilth, prepare
from _learners import Learners
from diffusers.utils import logging
from few_shot import paraphrased, written

from tilth import samples as table
from tilth import stage as stages
from tilth.augmentation import night_inputs, worth
from tilth.augmentation.config import Config
from tilth.augmentation.diffusion.config import AdaptConfig
from tilth.augmentation.selection import Worth, source_order
from tilth.config import EncoderConfig
from tilth.learn import Evidence
from tilth.learn.encoder import Encoder
from tilth.store import Cache, atomic

CASES = ("banking77:5,10,20,50,all", "clinc150:5,10,20,50,all", "sentfin:5,10,20,50,all")
COLUMNS = ("data set", "labels a class", "seed", "labels", "forecast: gain", "visible", "draws", "seconds",
           "proof: model", "gain", "95%", "visible", "helps", "accepted", "gold, vectors", "gold, words",
           "agreed")  # fmt: skip
Cell = dict[str, Any]


def forecast(given: Given, config: Config, encoder: Encoder, cache: Cache) -> tuple[Worth | None, float]:
    """What the stage says before it draws, and the seconds of a processor that this takes, embeddings ready."""
    samples = table.from_pandas(given.frame, [given.task])
    evidence = Evidence(samples, encoder=encoder, cache=cache)
    evidence.embeddings()
    started = time.process_time()
    with TemporaryDirectory() as scratch:
        resources = stages.Resources(tasks=(given.task,), seed=0, evidence=evidence, scratch=Path(scratch))
        inputs = night_inputs.prepare(table.to_pandas(samples), config, resources)
    assert inputs is not None
    order = source_order(inputs.frame, [given.task], inputs.budgets)
    found = worth.estimate(inputs.cross_fitting, inputs.frame["id"].tolist(), order, inputs.config, 0, evidence)
    return found, time.process_time() - started


def proved(given: Given, config: Config, encoder: Encoder, cache: Cache, seed: int, *, trained: bool) -> Cell:
    """What the proof says of a draw that was forced, and what gold rows say of it."""
    tuner = stages.encoder_tuner("training", stages.get("training").Config()) if trained else None
    started = time.process_time()
    with TemporaryDirectory() as scratch:
        always = config.model_copy(update={"when": "always"})
        ours = by_tilth(given, always, encoder, cache, seed, Path(scratch) / "night", tuner)
    seconds, names = time.process_time() - started, ("accepted", "sources", "weight", "model", "visible")
    proof = {name: ours.metrics[name] for name in names if name in ours.metrics}
    if "macro_f1_with" in ours.metrics:
        low, high = ours.metrics["macro_f1_difference_95"]
        gain = ours.metrics["macro_f1_with"] - ours.metrics["macro_f1_without"]
        proof |= {"gain": gain, "interval": [low, high], "helps": bool(gain > 0 and low >= 0)}
    accepted = ours.rows[ours.rows["accepted"].to_numpy(dtype=bool)]
    learners = Learners(encoder, tuned=False)
    more = paraphrased(given, accepted, float(proof.get("weight", 1.0)))
    with_them, without = (
        learners.scored(given, given.sources, added, seed)[1:] for added in (more, written(given, []))
    )
    return {**proof, "gold": [new - old for new, old in zip(with_them, without, strict=True)], "seconds": seconds}


def line_of(case: Sequence[object], labels: int, expected: Worth | None, seconds: float, proof: Cell) -> list[Any]:
    """A line of the table."""
    words = {True: "yes", False: "no"}
    draws = expected is None or expected.enough
    said = ("", "") if expected is None else (f"{expected.gain:.4f}", f"{expected.visible:.4f}")
    before = [*case, labels, *said, words[draws], f"{seconds:.0f}"]
    if not proof.get("sources"):
        return [*before, "nothing drawn", "", "", "", "", 0, "", "", ""]
    found, helps = ["nothing accepted", "", "", ""], proof.get("helps", False)
    if "gain" in proof:
        interval = " to ".join(f"{value:+.4f}" for value in proof["interval"])
        found = [proof["model"], f"{proof['gain']:+.4f}", interval, f"{proof['visible']:.4f}"]
    gold = [f"{value:+.4f}" for value in proof["gold"]]
    return [*before, *found, words[helps], proof["accepted"], *gold, words[draws == helps]]


def summary(lines: Sequence[Sequence[Any]]) -> str:
    """How often the forecast and the proof said the same."""
    pairs = [(line[COLUMNS.index("draws")], line[COLUMNS.index("helps")]) for line in lines]
    counts = Counter(pair for pair in pairs if pair[1])
    drawn, earned, vain = counts.total(), counts["yes", "yes"], counts["yes", "no"]
    spared, missed = counts["no", "no"], counts["no", "yes"]
    return (
        f"Of {drawn} forced draws the forecast agreed with the proof in {earned + spared}: it would draw, and "
        f"paraphrases were proved to help, in {earned}; it would draw in vain in {vain}, spare a draw that is in vain "
        f"in {spared}, and miss one that helps in {missed}. In {len(pairs) - drawn} more, nothing was drawn, for the "
        "denoiser does not know the language of the texts."
    )


def run(arguments: argparse.Namespace) -> list[list[Any]]:
    """Every case's line; a finished draw is read."""
    cache = Cache(arguments.cells / "cache")
    encoder, lines = Encoder(EncoderConfig(), cache), list[list[Any]]()
    trained = "-trained" if arguments.trained else ""
    for name, _, counts in (case.partition(":") for case in arguments.sets):
        denoiser: Path | None = None
        for count, seed in ((count, seed) for count in counts.split(",") for seed in range(arguments.seeds)):
            given = prepare(name, arguments.data, _number(count), seed, arguments.classes)
            config = Config(sources=arguments.sources)
            file = arguments.cells / f"{name}-{arguments.classes}-{arguments.sources}-{count}-{seed}{trained}.json"
            expected, seconds = forecast(given, config, encoder, cache)
            if not file.exists() and not arguments.table:
                denoiser = denoiser or denoiser_of(name, arguments, encoder)
                drawn = config.model_copy(update={"denoiser": str(denoiser), "adapt": AdaptConfig(steps=0)})
                cell = proved(given, drawn, encoder, cache, seed, trained=arguments.trained)
                with atomic(file) as beside:
                    beside.write_text(json.dumps(cell), encoding="utf-8")
            if file.exists():
                proof = json.loads(file.read_text(encoding="utf-8"))
                lines.append(line_of((name, count, seed), len(given.sources), expected, seconds, proof))
                print(lines[-1], f"{proof['seconds']:.0f} s", flush=True)
    return lines


def _number(count: str) -> int:
    return 10**9 if count == "all" else int(count)


def denoiser_of(
    name: str, arguments: argparse.Namespace, encoder: Encoder, limit: float = Config().max_heldout_loss
) -> Path:
    """The data set's, adapted once; above the held-out loss that is the limit, not at all."""
    home: Path = arguments.cells / f"denoiser-{name}-{arguments.classes}-{limit:g}"
    found = sorted(home.glob("scratch/*/adapted.json"))
    if found:
        return found[0].parent
    return adapted(prepare(name, arguments.data, 5, 0, arguments.classes), encoder, home, limit=limit)


def main() -> None:
    """Run, print the table, and put it into its file of results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/public"))
    parser.add_argument("--cells", type=Path, default=Path("data/benchmarks/augmentation_worth"))
    parser.add_argument("--sets", nargs="+", default=list(CASES))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--classes", type=int, help="of each data set the rows of so many classes alone")
    parser.add_argument("--sources", type=int, default=Config().sources, help="rows that are paraphrased at most")
    parser.add_argument("--trained", action="store_true", help="the proof may ask an encoder that training would train")
    parser.add_argument("--table", action="store_true", help="write the page from the finished draws; draw nothing")
    arguments = parser.parse_args()
    logging.disable_progress_bar()  # each draw loads the denoiser anew
    lines = run(arguments)
    part = "" if arguments.classes is None else f" --classes {arguments.classes}"
    part += " --trained" if arguments.trained else ""
    _results.write(
        "augmentation_worth",
        "# Is augmentation worth drawing\n\n"
        f"`python benchmarks/augmentation_worth.py --sets {' '.join(arguments.sets)} --seeds {arguments.seeds} "
        f"--sources {arguments.sources}{part}` ({_results.machine()})\n\n"
        + summary(lines)
        + "\n\nForecast: what paraphrases of the planned rows are expected to add to cross-validated macro-F1, the "
        "smallest gain that could be seen, whether the stage draws, and the seconds of a processor for that, vectors "
        "ready; nothing stands where labels are too few for a curve, and the stage draws. Proof: of a forced draw, by "
        "cross-validation on train rows; training takes what has an interval at or above zero. Gold: what "
        "taking the paraphrases always adds to gold macro-F1 of a linear model of vectors and of one of words.\n\n"
        + _results.table(COLUMNS, lines),
    )


if __name__ == "__main__":
    main()
