"""Paraphrases of few labeled rows: do they keep their label, are they new, and what do other ways give?

    python benchmarks/paraphrases.py --data data/public        (beside it: pip install nlpaug sacrebleu)

A few rows of each class have their label, all other texts have none. The oracle is the linear probe, trained on every
label of the train file. The shipped denoiser has seen clinc150. What is recombined and what tells mistakes was
chosen with the first draw of banking77 and of clinc150 in sight, and with 200 paraphrases of banking77 that we read;
nothing else was.
"""

from __future__ import annotations

import argparse
import difflib
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import _results
import numpy as np
import pandas as pd
from _augmenters import Given, Made, adapted, by_nlpaug, by_tilth, prepare, substituted
from sacrebleu.metrics import BLEU

from tilth.augmentation.config import Config
from tilth.augmentation.diffusion.config import AdaptConfig
from tilth.augmentation.quality.grammar import added_problems
from tilth.augmentation.quality.link_grammar import LinkGrammarChecker
from tilth.config import EncoderConfig
from tilth.learn import new_probe
from tilth.learn.encoder import Encoder
from tilth.store import Cache
from tilth.text import normal_form

COLUMNS = (
    "data set", "way", "texts", "a source", "keep their label", "keep their numbers", "similarity", "edit distance",
    "distinct-1", "distinct-4", "self-BLEU", "no new problem", "copies", "a second",
)  # fmt: skip
_DRAWN = 200  # texts that self-BLEU is taken of, since it grows with their number
_NUMBERS = re.compile(r"\d+(?:[.,]\d+)*")
_NEGATION = re.compile(
    r"\b(?:not|no|never|cannot|unable|without|(?:do|did|does|is|was|has|have|ca|wo|could|would)n'?t)\b", re.IGNORECASE
)


Oracle = Any
"""A linear probe that knows every label of the train file."""


def oracle_of(given: Given, encoder: Encoder) -> tuple[Oracle, float]:
    """The oracle, and its accuracy on the gold rows."""
    oracle = new_probe().fit(encoder.encode(given.texts), given.truth)
    texts, labels = given.gold
    said = given.task.decoded(oracle.predict(encoder.encode(texts)))
    return oracle, float((said == np.array(labels)).mean())


def pairs(rows: pd.DataFrame) -> Made:
    """The stage's rows that hold a text."""
    return [(place, text) for place, text in zip(rows["place"], rows["text"], strict=True) if text]


def measure(given: Given, oracle: Oracle, made: Made, encoder: Encoder, seconds: float) -> list[float]:
    """The columns from `texts` on; NaN where there is no text."""
    if not made:
        return [0.0, 0.0, *[float("nan")] * 10]
    places, texts = np.array([place for place, _ in made]), [text for _, text in made]
    sources = given.frame["text"].iloc[places].tolist()
    vectors, before = encoder.encode(texts), encoder.encode(sources)
    known = {normal_form(text) for text in given.frame["text"]}
    words = [normal_form(text).split() for text in texts]
    same = [Counter(_found(old)) == Counter(_found(new)) for old, new in zip(sources, texts, strict=True)]
    return [
        float(len(texts)),
        len(texts) / len(given.sources),
        float((oracle.predict(vectors) == given.truth[places]).mean()),
        float(np.mean(same)),
        float((vectors * before).sum(axis=1).mean()),
        float(np.median([_distance(old, new) for old, new in zip(sources, words, strict=True)])),
        _distinct(words, 1),
        _distinct(words, 4),
        _self_bleu(words),
        float((added_problems(LinkGrammarChecker(), sources, texts) == 0).mean()),
        float(np.mean([normal_form(text) in known for text in texts])),
        len(texts) / seconds if seconds else float("nan"),
    ]


def _found(text: str) -> list[str]:
    """Numbers, and "not" for each negation, whichever word it is."""
    return [*_NUMBERS.findall(text), *("not" for _ in _NEGATION.findall(text))]


def _distance(source: str, words: Sequence[str]) -> float:
    return 1 - difflib.SequenceMatcher(None, normal_form(source).split(), words, autojunk=False).ratio()


def _distinct(words: Sequence[Sequence[str]], size: int) -> float:
    grams = [tuple(row[k : k + size]) for row in words for k in range(len(row) - size + 1)]
    return len(set(grams)) / max(len(grams), 1)


def _self_bleu(words: Sequence[Sequence[str]]) -> float:
    """BLEU-4 of each text against all others (Zhu et al. 2018), 0 to 1, on texts drawn alike for every way."""
    drawn = np.random.default_rng(0).permutation(len(words))[:_DRAWN]
    texts, bleu = [" ".join(words[place]) for place in drawn], BLEU(effective_order=True, tokenize="none")
    others = ([*texts[:place], *texts[place + 1 :]] for place in range(len(texts)))
    found = [bleu.sentence_score(text, rest).score for text, rest in zip(texts, others, strict=True) if rest]
    return float(np.mean(found)) / 100 if found else float("nan")


def timed(make: Callable[[], Any]) -> tuple[Any, float]:
    """What it makes, and in how many seconds of a processor."""
    begun = time.process_time()
    return make(), time.process_time() - begun


def every(name: str, arguments: argparse.Namespace, encoder: Encoder, home: Path) -> list[dict[str, list[float]]]:
    """Every way's figures on each draw of the labels; the texts are the same, and so one denoiser serves all."""
    first = prepare(name, arguments.data, arguments.labels, 0)
    denoiser = adapted(first, encoder, home, arguments.denoiser)
    config = Config(denoiser=str(denoiser), sources=arguments.sources, adapt=AdaptConfig(steps=0))
    return [one(name, arguments, config, seed, encoder, home / str(seed)) for seed in range(arguments.seeds)]


def one(
    name: str, arguments: argparse.Namespace, config: Config, seed: int, encoder: Encoder, home: Path
) -> dict[str, list[float]]:
    """Every way's figures on one draw of the labels."""
    given = prepare(name, arguments.data, arguments.labels, seed)
    oracle, ceiling = oracle_of(given, encoder)
    ours, seconds = timed(lambda: by_tilth(given, config, encoder, Cache(home / "cache"), seed, home / "scratch"))
    print(f"{name}, seed {seed}: {seconds:.0f} s of a processor, {ours.metrics.get('sources')} sources", flush=True)
    # The sources that the stage chose, so that every way has the same.
    given = replace(given, sources=np.unique(ours.rows["place"].to_numpy()))
    accepted, counts = pairs(ours.rows[ours.rows["accepted"]]), [3] * len(given.sources)
    passed = ours.rows[ours.rows["accepted"].astype(bool) | ours.rows["reason"].eq("budget").fillna(False)]
    found = {
        "tilth, accepted": measure(given, oracle, accepted, encoder, seconds),
        "tilth, what the gate would let pass without a budget": measure(given, oracle, pairs(passed), encoder, 0),
        "tilth, before the gate": measure(given, oracle, pairs(ours.rows), encoder, 0),
    }
    made, seconds = timed(lambda: substituted(given, ours.denoiser, counts, seed))
    found["contextual substitution"] = measure(given, oracle, made, encoder, seconds)
    try:
        made, seconds = timed(lambda: by_nlpaug(given, counts, seed))
        found["EDA's swap and deletion, by nlpaug"] = measure(given, oracle, made, encoder, seconds)
    except ImportError as error:
        print(f"nlpaug: not run: {error}")
    found["real rows that are held out (the oracle's ceiling)"] = [
        float("nan"), float("nan"), ceiling, *[float("nan")] * 9,
    ]  # fmt: skip
    print(ours.rows["reason"].fillna("accepted").value_counts().to_dict())
    print(name, seed, {k: v for k, v in ours.metrics.items() if "loss" in k or "macro" in k}, flush=True)
    for number in np.random.default_rng(0).permutation(len(accepted))[: arguments.show]:
        place, text = accepted[number]
        print(f"    {given.texts[place]}  →  {text}")
    return found


def main() -> None:
    """Run, print the table, and put it into its file of results."""
    parser = _results.parser(__doc__, ["banking77", "clinc150"])
    parser.add_argument("--labels", type=int, default=5, help="labels a class")
    parser.add_argument("--sources", type=int, default=385, help="rows that are paraphrased at most")
    parser.add_argument("--denoiser", default="pretrained", help="the denoiser that a night starts from")
    parser.add_argument("--show", type=int, default=0, help="accepted paraphrases to print")
    arguments = parser.parse_args()
    lines: list[list[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        encoder = Encoder(EncoderConfig(), Cache(home / "embeddings"))
        for name in arguments.sets:
            lines += _results.compared([name], every(name, arguments, encoder, home / name))
            _write(arguments, arguments.sets[: arguments.sets.index(name) + 1], lines)


def _write(arguments: argparse.Namespace, sets: Sequence[str], lines: list[list[str]]) -> None:
    """Put what is measured so far into its file of results, so that a run that is stopped keeps its whole data sets."""
    _results.write(
        "paraphrases",
        f"# Paraphrases of few labeled rows\n\n`python benchmarks/paraphrases.py --sets {' '.join(sets)} "
        f"--seeds {arguments.seeds} --sources {arguments.sources}` ({_results.machine()})\n\n"
        f"{arguments.labels} labels a class, all other texts unlabeled; median over {arguments.seeds} seeds (smallest "
        "to largest). A label is kept where an oracle trained on all labels gives the source's. Numbers and negations "
        "are read by a regular expression that the gate does not use. Self-BLEU is of 200 texts. No new problem: none "
        "by link-grammar beyond the source's; the gate asks it too. Copies are of any text in the data. A second: of a "
        "processor; of tilth by all that the stage does, its denoiser adapted before.\n\n"
        + _results.table(COLUMNS, lines),
    )


if __name__ == "__main__":
    main()
