"""Nearness in meaning to a few prototypes, by the night's own encoder (`x.similar_to`)."""

from __future__ import annotations

from types import SimpleNamespace

from snorkel.labeling import labeling_function

import tilth

TASK = "intent"


@tilth.examples(hits=["my wifi does not reach the kitchen"], misses=["My parcel is late"])
@labeling_function()
def like_wifi_coverage(x: SimpleNamespace) -> str | None:
    near = x.similar_to("The wifi signal is weak in one room of the house", "wifi does not reach the kitchen")
    return "wifi_coverage" if near > 0.55 else None


@tilth.examples(hits=["I can't log in to my account"], misses=["My parcel is late"])
@labeling_function()
def like_login_problem(x: SimpleNamespace) -> str | None:
    near = x.similar_to("I cannot log in to my account", "The app will not let me log in")
    return "login_problem" if near > 0.5 else None


@tilth.examples(hits=["I want to keep my old number"], misses=["My parcel is late"])
@labeling_function()
def like_number_transfer(x: SimpleNamespace) -> str | None:
    near = x.similar_to("I want to keep my old mobile number", "PAC code to transfer my number")
    return "number_transfer" if near > 0.55 else None
