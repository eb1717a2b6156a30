"""Readers of the corpora that the shipped weights learn from: texts, who may be paired with whom, what is held out."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tilth.augmentation.text.detokenizer import as_sentence
from tilth.text import digest


@dataclass(frozen=True)
class Texts:
    """Texts and who may be paired with whom: pairs are mined within a group; `held` is the held-out part."""

    texts: list[str]
    groups: list[str]
    held: list[bool]


def clinc(folder: Path) -> Texts:
    """Requests by intent; those of the validation file are held out."""
    train, valid = (pd.read_csv(folder / f"{name}.csv") for name in ("train", "valid"))
    both = pd.concat([train.assign(held=False), valid.assign(held=True)])
    both = both[both["intent"] != "oos"].drop_duplicates("text")
    groups = ("clinc:" + both["intent"] + both["held"].astype(str)).tolist()
    return Texts(both["text"].tolist(), groups, both["held"].tolist())


def crowd(folder: Path) -> Texts:
    """Translations of the same sentence; every twelfth sentence is held out."""
    table = pd.read_csv(folder / "paraphrase_clusters.csv").drop_duplicates(["cluster", "text"])
    held = [_held(cluster, 12) for cluster in table["cluster"]]
    texts = [re.sub(r"\s+", " ", text).strip() for text in table["text"]]
    return Texts(texts, ("crowd:" + table["cluster"]).tolist(), held)


def _held(name: str, every: int) -> bool:
    """Whether it is one of those that are held out, one in `every`, on any machine alike."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % every == 0


def paws(folder: Path) -> tuple[list[tuple[str, str]], list[bool]]:
    """The pairs that mean the same; the last tenth of the test file is held out."""
    pairs, held = [], []
    for name in ("dev", "test"):
        with (folder / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
            rows = [r for r in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if r[3] == "1"]
        for number, (_, one, two, _label) in enumerate(rows):
            pairs.append((_unspaced(one), _unspaced(two)))
            held.append(name == "test" and number >= 0.9 * len(rows))
    return pairs, held


def _unspaced(text: str) -> str:
    """Undoes the treebank's quotes and split contractions; other spaces do not reach the token ids."""
    text = text.replace("``", '"').replace("''", '"')
    return re.sub(r" (n't|'s|'re|'ve|'ll|'d|'m)\b", r"\1", text)


def addresses(folder: Path) -> list[str]:
    """Sentences of speeches, sorted."""
    sentences: list[str] = []
    for line in (folder / "state_union_docs.jsonl").read_text(encoding="utf-8").splitlines():
        text = re.sub(r"\[[^]]*\]|\s+", " ", json.loads(line)["text"])
        sentences.extend(s.strip() for s in re.split(r"(?<=[.!?])\s+(?=[A-Z])", text))
    return sorted({s for s in sentences if s.endswith((".", "!", "?")) and s.count(" ") > 3})


def chat(folder: Path) -> Texts:
    """Utterances of the Chit-Chat dataset, each once; those of every fortieth conversation are held out."""
    conversations = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    first: dict[str, str] = {}
    for name, conversation in sorted(conversations.items()):
        for message in (m for turn in conversation["messages"] for m in turn):
            first.setdefault(re.sub(r"\s+", " ", message["text"]).strip(), name)
    # A prompt that was put to thousands of people, in adverbs: "The scented cow coughed softly."
    texts = [text for text in first if not re.fullmatch(r"The \w+ \w+ \w+ \w+ly\.?", text)]
    held = [_held(first[text], 40) for text in texts]
    return Texts(texts, [f"chat:{flag}" for flag in held], held)


def written(folder: Path) -> Texts:
    """Messages by a language model (`tools.pretraining.write_messages`); every fortieth is held out."""
    texts = json.loads((folder / "messages.json").read_text(encoding="utf-8"))
    held = [_held(text, 40) for text in texts]
    return Texts(texts, [f"written:{flag}" for flag in held], held)


def glosses(folder: Path) -> list[str]:
    """Sentences that WordNet gives as examples of a word's use, sorted."""
    found = {
        quoted
        for part in ("noun", "verb", "adj", "adv")
        for quoted in re.findall(r'"([^"]+)"', (folder / f"data.{part}").read_text(encoding="utf-8"))
    }
    return sorted(text for text in (quoted.strip() for quoted in found) if text.count(" ") > 3)


def readable(texts: Sequence[str], work: Path) -> list[bool]:
    """Whether the grammar checker finds nothing in a text; verdicts are cached in `work`."""
    from harper import Language, Linter

    file = work / "readable.json"
    known: dict[str, bool] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    linter = Linter()
    for text in texts:
        key = digest(text)
        if key not in known:
            known[key] = not linter.lint(as_sentence(text), language=Language.PLAINTEXT)
    file.write_text(json.dumps(known), encoding="utf-8")
    return [known[digest(text)] for text in texts]
