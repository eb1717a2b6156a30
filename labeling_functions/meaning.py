"""Nearness in meaning to a few prototypes, by the night's own encoder (`x.similar_to`)."""

from __future__ import annotations

from types import SimpleNamespace

import tilth
from snorkel.labeling import labeling_function

TASK = "intent"


@tilth.examples(misses=["My hub is broken"])
@labeling_function()
def like_payment_date(x: SimpleNamespace) -> str | None:
    near = x.similar_to("Can I change the date my direct debit is taken?", "Please take payment from my new bank account")
    return "change_payment_date" if near > 0.55 else None


@tilth.examples(misses=["My hub is broken"])
@labeling_function()
def like_unexpected_charge(x: SimpleNamespace) -> str | None:
    near = x.similar_to("Why is my bill higher than last month?", "There is a charge on my bill I do not recognise")
    return "unexpected_charge" if near > 0.55 else None


@tilth.examples(misses=["My hub is broken"])
@labeling_function()
def like_change_plan(x: SimpleNamespace) -> str | None:
    near = x.similar_to("I want to upgrade my package", "What deals do you have if I renew my plan?")
    return "change_plan" if near > 0.5 else None
