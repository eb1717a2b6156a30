"""Trains the acceptability model that tilth ships: on sentences with a mistake put in, then on paraphrases too.

What the shipped denoiser writes goes wrong in ways that no mistake put in by hand does, so that in the second part
every other batch sets its paraphrases against their sources (as a discriminator in ELECTRA, Clark et al. 2020). In the
third part every other batch sets recombinations against theirs.

One command makes it again, where the extra `dev` is installed:

    python -m tools.pretraining.train_acceptability --clinc150 DIR --paws-wiki DIR --state-union DIR \
        --work DIR --out DIR --steps 2000 --more-steps 700 --third-steps 900
"""

from __future__ import annotations

import argparse
import json
import logging
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tools.pretraining import corpus_readers as data
from tools.pretraining.denoiser_corpora import BAND

from tilth.augmentation.config import Config
from tilth.augmentation.diffusion import load_paraphraser
from tilth.augmentation.quality.acceptability import WEIGHTS, Acceptability, load_acceptability, save_acceptability
from tilth.augmentation.quality.acceptability_training import (
    BATCH,
    Pair,
    by_turns,
    is_reworded,
    pair_batches,
    recombination_pairs,
    synthetic_error_batches,
    train_acceptability,
)
from tilth.augmentation.quality.synthetic_errors import with_synthetic_error
from tilth.augmentation.selection import GateConfig
from tilth.augmentation.text.detokenizer import corpus_spellings
from tilth.config import EncoderConfig
from tilth.learn.encoder import Encoder
from tilth.store import Cache

logger = logging.getLogger(__name__)
RANK = 12
PEAK = 1e-3
_FALSE_ALARMS = 0.01
_SOURCES, _EACH = 4000, 3  # of the second part
_FEWER = 1500  # sources of the third part's paraphrases; its recombinations are of as many as the second's
_FLOOR = 0.9  # share of good sentences that have no problem at all


def main(arguments: list[str] | None = None) -> None:
    """Reads the command line and trains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("clinc150", "paws-wiki", "state-union"):
        parser.add_argument(f"--{name}", type=Path, required=True, help=f"folder of {name}")
    parser.add_argument("--work", type=Path, required=True, help="folder for the cache")
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights")
    parser.add_argument("--steps", type=int, default=2000, help=f"batches of {BATCH} pairs")
    parser.add_argument("--more-steps", type=int, default=700, help="of the second part, with paraphrases")
    parser.add_argument("--third-steps", type=int, default=900, help="of the third part, with recombinations")
    parser.add_argument("--start", type=Path, help="weights to begin from; the first part is then left out")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    torch.set_num_threads(args.threads)
    train, held, rows = sentences(args.clinc150, args.paws_wiki, args.state_union, args.seed)
    logger.info("%d sentences, %d held out", len(train), len(held))
    if args.start is not None:
        model, facts = load_acceptability(args.start / WEIGHTS.name)
    else:
        torch.manual_seed(args.seed)  # of the changes and of the scoring layer
        model = Acceptability(RANK)
        curve = train_acceptability(model, synthetic_error_batches(train, args.seed), args.steps, PEAK)
        facts = {"steps": args.steps, "seed": args.seed, "curve": curve}
        publish(model, held, near(rows, args.work), args.out, facts)
    if args.more_steps:
        pairs = written(random.Random(args.seed).sample(train, _SOURCES), args.seed)
        logger.info("%d paraphrases", len(pairs))
        both = by_turns(synthetic_error_batches(train, args.seed + 1), pair_batches(pairs, args.seed))
        facts |= {
            "more_steps": args.more_steps,
            "more_curve": train_acceptability(model, both, args.more_steps, PEAK / 2),
        }
    if args.third_steps:
        corpus = data.clinc(args.clinc150)
        requests = [text for text, held in zip(corpus.texts, corpus.held, strict=True) if not held]
        every = third(train, requests, args.seed)
        facts |= {
            "third_steps": args.third_steps,
            "third_curve": train_acceptability(model, every, args.third_steps, PEAK / 2),
        }
    publish(model, held, near(rows, args.work), args.out, facts)


def third(train: Sequence[str], requests: Sequence[str], seed: int) -> Iterator[list[Pair]]:
    """Batches of mistakes and of paraphrases, and as many of recombinations, which are of requests alone."""
    rng, tokenizer = random.Random(seed), load_paraphraser("pretrained", Config().scheduler).tokenizer
    sources = rng.sample(list(requests), min(_SOURCES, len(requests)))
    made = recombination_pairs(sources, requests, corpus_spellings(requests), tokenizer, seed)
    pairs = written(rng.sample(list(train), min(_FEWER, len(train))), seed)
    logger.info("%d recombinations, %d paraphrases", len(made), len(pairs))
    mistakes, mixed = synthetic_error_batches(train, seed + 2), pair_batches(made, seed)
    return by_turns(mistakes, mixed, pair_batches(pairs, seed), mixed)


def sentences(
    clinc150: Path, paws_wiki: Path, state_union: Path, seed: int
) -> tuple[list[str], list[str], list[tuple[str, str]]]:
    """Sentences to learn from, held-out ones, and the held-out requests with their class."""
    rng = random.Random(seed)
    requests = data.clinc(clinc150)
    wiki = [text for pair in data.paws(paws_wiki)[0] for text in pair]
    others = rng.sample(wiki, 6000) + rng.sample(data.addresses(state_union), 10_000)
    rng.shuffle(others)
    train = [text for text, held in zip(requests.texts, requests.held, strict=True) if not held] + others[:-400]
    rows = [(t, g) for t, g, held in zip(requests.texts, requests.groups, requests.held, strict=True) if held]
    kept = [text for text in train if 4 <= len(text.split()) <= 32]
    # Users leave the last mark out as often as not.
    plain = [text.rstrip(".!?") if rng.random() < 0.3 else text for text in kept]
    rng.shuffle(plain)
    return plain, [text for text, _ in rows][:400] + others[-400:], rows


def written(texts: Sequence[str], seed: int) -> list[Pair]:
    """Sources, each with paraphrases by the shipped denoiser that are no copies."""
    config = Config()
    pipeline = load_paraphraser("pretrained", config.scheduler)
    pipeline.set_progress_bar_config(disable=True)
    made = pipeline(
        texts,
        candidates=_EACH,
        noise_level=config.noise,
        num_inference_steps=config.inference_steps,
        temperature=config.temperature,
        top_k=config.top_k,
        generator=torch.Generator().manual_seed(seed),
    )
    return [
        (text, one) for text, found in zip(texts, made.texts, strict=True) for one in found if is_reworded(text, one)
    ]


def near(rows: Sequence[tuple[str, str]], work: Path) -> list[Pair]:
    """Each request with the nearest one of its class that means the same: what a right paraphrase looks like."""
    texts, groups = [text for text, _ in rows], np.array([group for _, group in rows])
    vectors = Encoder(EncoderConfig(), Cache(work / "cache")).encode(texts)
    cosine = vectors @ vectors.T
    cosine[(groups[:, None] != groups) | (cosine > BAND[1])] = -1
    best = cosine.argmax(axis=1)
    return [(texts[k], texts[j]) for k, j in enumerate(best) if cosine[k, j] >= GateConfig().low]


def publish(model: Acceptability, held: Sequence[str], pairs: Sequence[Pair], out: Path, facts: dict[str, Any]) -> None:
    """Sets the floor and the unit on held-out text, and writes the weights in bf16 with the record beside them."""
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.bfloat16().float()  # what is measured is what is shipped
    rng = random.Random(1)
    made = [(text, bad) for text in held if (bad := with_synthetic_error(text, rng)) is not None]
    good, bad = model.scores([text for text, _ in made]), model.scores([text for _, text in made])
    old, new = model.scores([text for text, _ in pairs]), model.scores([text for _, text in pairs])
    floor = float(np.quantile(good, _FLOOR))
    added = np.maximum(0, new - floor) - np.maximum(0, old - floor)
    unit = max(float(np.quantile(added, 1 - _FALSE_ALARMS)), 1e-3) / GateConfig().grammar
    worse = (np.maximum(0, bad - floor) - np.maximum(0, good - floor)) / unit > GateConfig().grammar
    facts = facts | {
        "rank": model.rank,
        "batch": BATCH,
        "floor": round(floor, 4),
        "unit": round(unit, 4),
        "heldout_pairs_in_order": round(float((bad > good).mean()), 4),
        "heldout_mistakes_noticed": round(float(worse.mean()), 4),
        "heldout_false_alarms": _FALSE_ALARMS,
    }
    logger.info("%s", json.dumps({name: value for name, value in facts.items() if name != "curve"}))
    save_acceptability(model, facts, out / WEIGHTS.name)


if __name__ == "__main__":
    main()
