"""Short messages, in which one word decides; in a long one it may be said in passing."""

from __future__ import annotations

from types import SimpleNamespace

from snorkel.labeling import labeling_function

import tilth

TASK = "intent"
SHORT = 14


def _short_with(x: SimpleNamespace, *words: str) -> bool:
    text = x.text.lower()
    return len(text.split()) <= SHORT and any(word in text for word in words)


@tilth.examples(hits=["so slow tonight"], misses=["so loud tonight"])
@labeling_function()
def short_slow(x: SimpleNamespace) -> str | None:
    return "slow_speed" if _short_with(x, "slow", "buffer", "crawl", "lag") else None


@tilth.examples(hits=["hub arrived cracked"], misses=["hub arrived"])
@labeling_function()
def short_broken(x: SimpleNamespace) -> str | None:
    return "faulty_equipment" if _short_with(x, "crack", "rattl", "smell", "burnt", "broken") else None
