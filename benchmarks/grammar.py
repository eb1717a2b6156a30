"""Which grammar checker notices what a paraphrase broke, and which cries wolf.

    python benchmarks/grammar.py --data data/public

BLiMP (Warstadt et al. 2020): 67 phenomena of English grammar, pairs of which one is wrong; a checker that finds the
same in both is tied, and a tie counts half. Beside it, banking77's own rows with one error put in, and, for false
alarms, pairs of its rows of one class and near meaning, which real people wrote: a checker is asked, as by the gate,
whether the second has problems that the first has not. Thresholds are those of the gate.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import _results
import numpy as np
import pandas as pd
from tools.pretraining.train_acceptability import near

from tilth.augmentation.diffusion import load_paraphraser
from tilth.augmentation.quality import fluency
from tilth.augmentation.quality.acceptability import AcceptabilityChecker
from tilth.augmentation.quality.grammar import HarperChecker
from tilth.augmentation.quality.link_grammar import LinkGrammarChecker
from tilth.augmentation.selection import GateConfig
from tilth.errors import ConfigError

Score = Callable[[Sequence[str]], np.ndarray]
"""Problems of each text, NaN where there is no answer."""
_SMALL = "a an the to of in on for with from at is are was do does did have has be my i you it"
FUNCTION_WORDS = frozenset(_SMALL.split())
VERBS = {"is": "are", "was": "were", "has": "have", "does": "do"}
OTHER = {**VERBS, **{plural: singular for singular, plural in VERBS.items()}}


def nats(texts: Sequence[str]) -> np.ndarray:
    """The shipped denoiser's pseudo-likelihood, as it comes."""
    pipeline = load_paraphraser("pretrained", "block_refinement")
    return fluency.Fluency(pipeline.denoiser, pipeline.tokenizer).nats(texts).mean


def agreement(words: list[str], draw: random.Random) -> list[str] | None:
    """is for are, does for do, …: the verb does not agree."""
    places = [k for k, word in enumerate(words) if word.lower() in OTHER]
    if not places:
        return None
    place = draw.choice(places)
    return [*words[:place], OTHER[words[place].lower()], *words[place + 1 :]]


def order(words: list[str], draw: random.Random) -> list[str] | None:
    """Two neighbors change places."""
    if len(words) < 4:
        return None
    place = draw.randrange(1, len(words) - 2)
    return [*words[:place], words[place + 1], words[place], *words[place + 2 :]]


def tense(words: list[str], draw: random.Random) -> list[str] | None:
    """A past form loses its ending."""
    places = [k for k, word in enumerate(words) if re.fullmatch(r"[a-z]{3,}ed", word)]
    if not places:
        return None
    place = draw.choice(places)
    return [*words[:place], words[place][:-2], *words[place + 1 :]]


def missing(words: list[str], draw: random.Random) -> list[str] | None:
    """A small word is gone."""
    places = [k for k, word in enumerate(words) if word.lower() in FUNCTION_WORDS]
    if not places or len(words) < 4:
        return None
    place = draw.choice(places)
    return [*words[:place], *words[place + 1 :]]


ERRORS = {"agreement": agreement, "order": order, "tense": tense, "missing word": missing}


def broken(texts: Sequence[str], kind: str, count: int) -> tuple[list[str], list[str]]:
    """Texts, and the same with one error of a kind."""
    draw, good, bad = random.Random(0), [], []
    for text in texts:
        words = text.split()
        if (found := ERRORS[kind](words, draw)) is not None and found != words:
            good.append(text)
            bad.append(" ".join(found))
        if len(good) == count:
            break
    return good, bad


def near_pairs(frame: pd.DataFrame, count: int) -> tuple[list[str], list[str]]:
    """Pairs of different rows of one class that mean nearly the same."""
    with tempfile.TemporaryDirectory() as folder:
        pairs = near(list(zip(frame["text"], frame["category"], strict=True)), Path(folder))[:count]
    return [one for one, _ in pairs], [two for _, two in pairs]


def added(score: Score, old: Sequence[str], new: Sequence[str]) -> np.ndarray:
    """Problems of the second texts beyond the first ones', NaN counted as none."""
    return np.nan_to_num(score(new) - score(old), nan=0.0)


def checkers() -> dict[str, tuple[Score, float] | str]:
    """Each checker with the difference from which it calls a text worse, or why it cannot run."""
    gate = GateConfig()
    found: dict[str, tuple[Score, float] | str] = {
        "harper": (HarperChecker().problems, gate.grammar),
        "acceptability": (AcceptabilityChecker().problems, gate.grammar),
        "denoiser": (nats, gate.fluency + gate.grammar),
    }
    try:
        found["link-grammar"] = (LinkGrammarChecker().problems, gate.grammar)
    except ConfigError as error:
        found["link-grammar"] = f"not run: {error}"
    return found


def main() -> None:
    """Run, print the table, and put it into its file of results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/public"))
    parser.add_argument("--pairs", type=int, default=200, help="of each phenomenon, of each kind of error")
    arguments = parser.parse_args()
    blimp = pd.read_csv(arguments.data / "blimp/minimal_pairs.csv").groupby("uid").head(arguments.pairs)
    bank = pd.read_csv(arguments.data / "banking77/test.csv").drop_duplicates("text")
    columns = ["checker", "BLiMP", "tied", *sorted(blimp["field"].unique()), *ERRORS, "false alarms"]
    fields = columns[3 : 3 + blimp["field"].nunique()]
    sets = {kind: broken(bank["text"].tolist(), kind, arguments.pairs) for kind in ERRORS}
    honest = near_pairs(bank, 5 * arguments.pairs)
    worse: dict[str, np.ndarray] = {}
    told: dict[str, dict[str, np.ndarray]] = {}
    lines = []

    def line(name: str, points: np.ndarray | None, flags: dict[str, np.ndarray]) -> None:
        by_field = [""] * (len(fields) + 2)
        if points is not None:
            by_field = [f"{points.mean():.3f}", f"{(points == 0.5).mean():.3f}"]
            by_field += [f"{points[(blimp['field'] == field).to_numpy()].mean():.3f}" for field in fields]
        lines.append([name, *by_field, *(f"{flags[kind].mean():.3f}" for kind in (*ERRORS, "honest"))])
        print("| " + " | ".join(lines[-1]) + " |", flush=True)

    for name, found in checkers().items():
        if isinstance(found, str):
            lines.append([name, found, *[""] * (len(columns) - 2)])
            continue
        score, threshold = found
        worse[name] = added(score, blimp["good"].tolist(), blimp["bad"].tolist())
        told[name] = {kind: added(score, *pair) > threshold for kind, pair in {**sets, "honest": honest}.items()}
        line(name, np.where(worse[name] == 0, 0.5, worse[name] > 0), told[name])
    for name, among in (
        ("harper or acceptability", ("harper", "acceptability")),
        ("any of those that ran", tuple(told)),
    ):
        line(name, None, {kind: np.any([told[one][kind] for one in among], axis=0) for kind in (*ERRORS, "honest")})
    _results.write(
        "grammar",
        f"# Grammar checkers\n\n`python benchmarks/grammar.py --pairs {arguments.pairs}` ({_results.machine()})\n\n"
        "BLiMP: share of pairs in which the wrong sentence has more problems, ties counted half, in all and by field. "
        "Then, on banking77's rows: share of errors noticed by kind, and of real near pairs in which the second was "
        "called worse.\n\n" + _results.table(columns, lines),
    )


if __name__ == "__main__":
    main()
