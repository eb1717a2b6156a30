"""Few labels in a public data set, and the ways to more text that the benchmarks compare: tilth's stage and its peers.

nlpaug is no part of the development install: pip install nlpaug
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from cleaning import read

from tilth import samples as table
from tilth import stage as stages
from tilth.augmentation.config import Config
from tilth.augmentation.diffusion import load_paraphraser
from tilth.augmentation.diffusion.vocabulary import CLS, MASK, PAD, SEP
from tilth.learn import Evidence
from tilth.learn.encoder import Encoder
from tilth.samples import Task
from tilth.store import Cache

Made = list[tuple[int, str]]
"""Texts with the place of their source."""
_LONGEST = 60  # tokens of a text that substitution reads


@dataclass(frozen=True)
class Given:
    """A data set with few labels: the table, the sources' places, every text's true class, and the gold rows."""

    frame: pd.DataFrame
    task: Task
    sources: np.ndarray
    truth: np.ndarray
    gold: tuple[list[str], list[str]]

    @cached_property
    def texts(self) -> list[str]:
        """All texts, labeled or not."""
        return list(self.frame["text"])


def prepare(name: str, folder: Path, per_class: int, seed: int, classes: int | None = None) -> Given:
    """`per_class` labels a class, drawn by the seed; a text has the same id whatever the seed.

    Args:
        name: Of the data set.
        folder: Of all data sets.
        per_class: Labels a class; more than there are: all.
        seed: Of the labeled rows.
        classes: The rows of so many classes alone, spread over the alphabet; None: of all.
    """
    train, gold = read(name, folder)
    if classes is not None:
        every = sorted(train["label"].unique())
        kept = [every[place] for place in np.linspace(0, len(every) - 1, min(classes, len(every))).astype(int)]
        train, gold = train[train["label"].isin(kept)], gold[gold["label"].isin(kept)]
    train = train.drop_duplicates("text").sample(frac=1, random_state=seed)
    labels = tuple(sorted(train["label"].unique()))
    labeled = (train.groupby("label").cumcount() < per_class).to_numpy()
    frame = pd.DataFrame({"id": [f"r{row}" for row in train.index], "text": train["text"].astype(str).tolist()})
    frame["split"], frame["source"], frame["parent_id"] = np.where(labeled, "train", "unlabeled"), "input", None
    frame["status"], frame["reason"] = "active", None
    frame["label_given"] = train["label"].where(labeled, None).tolist()
    task = Task(name="label", labels=labels)
    truth = task.codes(train["label"])
    held = (gold["text"].astype(str).tolist(), gold["label"].tolist())
    return Given(table.resolve(frame, [task]), task, np.flatnonzero(labeled), truth, held)


@dataclass(frozen=True)
class Ours:
    """What the stage made.

    Attributes:
        rows: Paraphrases, with `place` (of the source), `text`, `accepted`, `used` and `label_confidence`.
        metrics: The stage's.
        denoiser: The folder of the denoiser that wrote them.
    """

    rows: pd.DataFrame
    metrics: Mapping[str, Any]
    denoiser: Path


def by_tilth(
    given: Given, config: Config, encoder: Encoder, cache: Cache, seed: int, scratch: Path,
    tuner: stages.EncoderTuner | None = None,
) -> Ours:  # fmt: skip
    """The stage itself, on the table as a night would hand it over, where the tuner is given with training after it.

    Where it draws nothing by itself, because no help could be seen, it is told to, and training takes nothing of that.
    """
    samples = table.from_pandas(given.frame, [given.task])
    scratch.mkdir(parents=True)
    evidence = Evidence(samples, encoder=encoder, cache=cache)
    resources = stages.Resources(
        tasks=(given.task,), seed=seed, evidence=evidence, scratch=scratch, encoder_tuner=tuner
    )
    found = stages.perform("augmentation", samples, config, resources)
    drawn = found.skipped is None
    if not drawn:
        found = stages.perform("augmentation", samples, config.model_copy(update={"when": "always"}), resources)
    assert found.carried is not None, found.skipped
    rows = table.to_pandas(found.samples)
    rows = rows[rows["source"] == "paraphrase"]
    if rows.empty:  # of no text does the denoiser know the language
        print(found.skipped, flush=True)
        rows = rows.assign(accepted=False, label_confidence=0.0, used=False)
    rows = rows.assign(used=rows["used"].eq(True) & drawn)
    place = pd.Series(given.frame.index, index=given.frame["id"])
    return Ours(rows.assign(place=place[rows["parent_id"]].to_numpy()), found.metrics, found.carried)


def substituted(given: Given, denoiser: Path, counts: Sequence[int], seed: int, batch: int = 64) -> Made:
    """Contextual substitution: 30% of the tokens masked and drawn again, by the same denoiser without a source.

    Args:
        given: Its sources are rewritten.
        denoiser: A folder by tilth's stage.
        counts: Texts to be made of each source.
        seed: Of what is masked and what is drawn.
        batch: Texts that are filled together.
    """
    pipeline = load_paraphraser(str(denoiser), Config().scheduler)
    rng, draw = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    rows: list[tuple[int, list[int], np.ndarray]] = []
    for place, count in zip(given.sources, counts, strict=True):
        ids = pipeline.tokenizer(given.texts[place], add_special_tokens=False)["input_ids"][:_LONGEST]
        masked = max(1, round(0.3 * len(ids)))
        rows += [(int(place), ids, 2 + rng.choice(len(ids), masked, replace=False)) for _ in range(count)]
    rows.sort(key=lambda row: len(row[1]))
    made: Made = []
    for start in range(0, len(rows), batch):
        taken = rows[start : start + batch]
        filled = _filled(pipeline.denoiser, [ids for _, ids, _ in taken], [masked for *_, masked in taken], draw)
        for (place, ids, _), row in zip(taken, filled, strict=True):
            made.append((place, pipeline.tokenizer.decode(row[2 : 2 + len(ids)], skip_special_tokens=True)))
    return made


def _filled(
    model: Any, texts: Sequence[list[int]], masked: Sequence[np.ndarray], draw: torch.Generator
) -> torch.Tensor:
    """Token ids with the masked ones drawn from the 20 likeliest (texts, length)."""
    ids = torch.full((len(texts), max(map(len, texts)) + 3), PAD)
    segments, where = torch.zeros_like(ids), torch.zeros_like(ids, dtype=torch.bool)
    for row, (text, chosen) in enumerate(zip(texts, masked, strict=True)):
        whole = [CLS, SEP, *text, SEP]
        ids[row, : len(whole)] = torch.tensor(whole)
        segments[row, 2 : len(whole)] = 1
        where[row, chosen] = True
    level = torch.zeros(len(texts), dtype=torch.long)
    with torch.inference_mode():
        logits, places = model(ids.masked_fill(where, MASK), segments, level, level, where).topk(20, dim=-1)
    drawn = torch.multinomial(torch.softmax(logits.float() / 0.8, dim=-1), 1, generator=draw)
    ids[where] = model.shortlist[places.gather(1, drawn)[:, 0]]
    return ids


def by_nlpaug(given: Given, counts: Sequence[int], seed: int) -> Made:
    """EDA's swap and deletion, by nlpaug; its synonyms need WordNet, which has to be downloaded."""
    import nlpaug.augmenter.word as words

    np.random.seed(seed)  # noqa: NPY002 - nlpaug draws from both global generators
    random.seed(seed)
    ways = [words.RandomWordAug(action=action) for action in ("swap", "delete")]
    made: Made = []
    for place, count in zip(given.sources, counts, strict=True):
        for number in range(count):
            made += [(int(place), one) for one in ways[number % 2].augment(given.texts[place], n=1)]
    return made


def adapted(
    given: Given, encoder: Encoder, home: Path, start: str = "pretrained", limit: float = Config().max_heldout_loss
) -> Path:
    """A folder with the denoiser, adapted by the stage as in any night, which here paraphrases one row alone.

    Args:
        given: Whose texts it learns.
        encoder: The night's.
        home: Where it is made.
        start: The denoiser that it starts from.
        limit: Held-out loss above which a night gives the texts up.
    """
    config = Config(denoiser=start, sources=1, max_heldout_loss=limit)
    return by_tilth(given, config, encoder, Cache(home / "cache"), 0, home / "scratch").denoiser
