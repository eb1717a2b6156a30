"""Words that customers use for one thing only."""

from __future__ import annotations

from types import SimpleNamespace

from snorkel.labeling import labeling_function

import tilth

TASK = "intent"


def _any(x: SimpleNamespace, *words: str) -> bool:
    text = f" {x.text.lower()} "
    return any(word in text for word in words)


@tilth.examples(hits=["My old provider gave me a PAC code"], misses=["I will pack my bags"])
@labeling_function()
def number_transfer_words(x: SimpleNamespace) -> str | None:
    return "number_transfer" if _any(x, " pac ", "temporary number", "keep my number", "port my") else None


@tilth.examples(hits=["forgot my password"], misses=["my bill is wrong"])
@labeling_function()
def login_words(x: SimpleNamespace) -> str | None:
    return "login_problem" if _any(x, "password", "username", "sign in", "locked out", "first pet") else None


@tilth.examples(hits=["The technician never came"], misses=["the hub is broken"])
@labeling_function()
def engineer_words(x: SimpleNamespace) -> str | None:
    return "engineer_visit" if _any(x, "technician", "appointment") else None


@tilth.examples(hits=["nothing reaches the loft"], misses=["nothing works"])
@labeling_function()
def wifi_room_words(x: SimpleNamespace) -> str | None:
    words = ("upstairs", "bedroom", "conservatory", " loft", "back room", "stone wall", "thick wall", "mesh")
    return "wifi_coverage" if _any(x, *words) else None


@tilth.examples(hits=["Will my phone work abroad?"], misses=["Will my phone work?"])
@labeling_function()
def abroad_words(x: SimpleNamespace) -> str | None:
    return "roaming" if _any(x, "abroad", "roaming", "cruise", "tenerife", "turkey", "switzerland") else None


@tilth.examples(hits=["where is my refund"], misses=["where is my parcel"])
@labeling_function()
def refund_words(x: SimpleNamespace) -> str | None:
    return "refund_status" if _any(x, "refund", "compensation", "goodwill", "owe me", "deposit") else None


@tilth.examples(hits=["Tracking has not moved"], misses=["the hub has not moved"])
@labeling_function()
def courier_words(x: SimpleNamespace) -> str | None:
    return "delivery_tracking" if _any(x, "tracking", "depot", "in transit") else None
