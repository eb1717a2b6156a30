"""The prompts by which a small chat model writes the messages of `write_messages`: contexts, openings, topics.

The model writes the *user's* turn, which a chat model has learned as well as its own (Xu et al. 2024, Magpie). Each
message has a topic, in what the assistant said before, and begins with one of many openings.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pandas as pd
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

END = "<|im_end|>"
USER = "<|im_start|>user\n"
_SYSTEM, _ASSISTANT = "<|im_start|>system\n", "<|im_start|>assistant\n"
_COMMON = 6  # a noun is a topic where so many texts of the corpora have it


@dataclass(frozen=True)
class Context:
    """What stands before a message, how often it is taken, and whether the message begins with an opening."""

    share: float
    system: str
    before: str
    opened: bool = True

    def prompt(self, topic: str, opening: str) -> str:
        """Up to where the model goes on, in ChatML."""
        head = f"{_SYSTEM}{self.system}{END}\n{USER}"
        if not self.opened:
            return f"{head}{self.before.format(topic)}{END}\n{_ASSISTANT}"
        return f"{head}Hi{END}\n{_ASSISTANT}{self.before.format(topic)}{END}\n{USER}{opening}"


CONTEXTS = (
    Context(0.40, "You answer the customers of a company in a chat.", "Hello! How can I help you with your {} today?"),
    Context(0.20, "You are a helpful AI assistant.", "Hello! What would you like to know about {}?"),
    Context(
        0.15,
        "You are an assistant on the user's phone and do what you are told.",
        "Ready. What shall I do about the {}?",
    ),
    Context(0.15, "You talk with a friend.", "Hey, how are you? How was it with the {}?"),
    Context(0.05, "You write short, simple sentences.", "Write one short sentence about {}.", opened=False),
)
_OPENINGS = """
How do I|How can I|How long|How much|How many|How often|How do you|How does|How is|How|What is|What are|What should I
What do I|What can|What time|What happens if|What kind of|What|Why is|Why did|Why can't I|Why does|Why was|Why|When will
When is|When can I|When|Where is|Where can I|Where do I|Where|Who|Which|Is there|Is it|Is my|Are there|Are you|Can I
Can you|Could you|Do you|Do I|Does|Did you|Should I|Will|Would it|I want to|I need|I need to|I would like|I'd like to
I have|I have a|I am|I'm|I was|I think|I don't|I can't|I cannot|I forgot|I lost|I bought|I tried|I got|I just|I|My
My new|The|This|That|There is|There was|It|It's|We|They|You|Your|Someone|A|Please|Tell me|Show me|Give me|Find|Help me
Let me|Set|Add|Change|Cancel|Send|Remind me|Don't|Let's|Turn|Make|Check|Look up|Explain|Thanks for|Sorry|No,|Yes,|Well,
If|After|Because of|Last week|Yesterday|Today|Tomorrow
"""
OPENINGS = _OPENINGS.strip().replace("\n", "|").split("|")


def topics(folders: Mapping[str, Path]) -> list[str]:
    """Nouns of WordNet, of one word or two, that are common in three corpora and rarely another part of speech."""
    nouns, tagged, other = set[str](), Counter[str](), Counter[str]()
    for line in (folders["wordnet"] / "index.noun").read_text(encoding="utf-8").splitlines():
        word = line.split(" ", 1)[0].replace("_", " ")
        if re.fullmatch(r"[a-z]{3,}( [a-z]{3,})?", word):
            nouns.add(word)
    for line in (folders["wordnet"] / "cntlist.rev").read_text(encoding="utf-8").splitlines():
        sense, _, count = line.split()
        word, key = sense.split("%")
        (tagged if key.startswith("1") else other)[word.replace("_", " ")] += int(count)
    found = Counter[str]()
    for text in _texts(folders):
        words = re.findall(r"[a-z']+", text.lower())
        found.update({*words, *(" ".join(pair) for pair in pairwise(words))} & nouns)
    return sorted(
        word
        for word, count in found.items()
        if count >= _COMMON and tagged[word] >= other[word] and not ENGLISH_STOP_WORDS.intersection(word.split())
    )


def _texts(folders: Mapping[str, Path]) -> list[str]:
    conversations = json.loads((folders["chitchat"] / "dataset.json").read_text(encoding="utf-8")).values()
    chat = [message["text"] for one in conversations for turn in one["messages"] for message in turn]
    requests = pd.read_csv(folders["clinc150"] / "train.csv")["text"].tolist()
    return [*chat, *requests, *pd.read_csv(folders["crowdwsa2019"] / "paraphrase_clusters.csv")["text"]]
