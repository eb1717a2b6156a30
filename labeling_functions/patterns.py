"""Regular expressions for what people say in several ways."""

from __future__ import annotations

import re
from types import SimpleNamespace

from snorkel.labeling import labeling_function

import tilth

TASK = "intent"

_ALLOWANCE = re.compile(r"\b(gigs?|my allowance|add-?\s?ons?|(ran|run|running) out of data|data left)\b", re.I)
_SIM = re.compile(r"\b(e-?sim|puk|activat(e|ing|ion)|(new|fresh|replacement) sim)\b", re.I)
_SIGNAL = re.compile(r"\b(the mast|emergency calls|no bars|one bar|wifi calling|searching)\b", re.I)
_BOUNCED = re.compile(r"\b(bounced|returned unpaid|declined|unsuccessful|went wrong|tried paying)\b", re.I)
_RETURN = re.compile(r"\b(prepaid|returns? (label|bag)|postage|send (it|this|them) back|label)\b", re.I)
_LEAVE = re.compile(r"\b(penalty|exit fee|terminate|cooling[- ]off|leaving fee)\b", re.I)
_DARK = re.compile(r"\b(outage|red light|no connection|blinking|(light|lamp) .{0,20}\bred)\b", re.I)


@tilth.examples(hits=["How many gigs do I have?"], misses=["How many days do I have?"])
@labeling_function()
def allowance_pattern(x: SimpleNamespace) -> str | None:
    return "data_allowance" if _ALLOWANCE.search(x.text) else None


@tilth.examples(hits=["my eSIM is stuck"], misses=["my phone is stuck"])
@labeling_function()
def sim_pattern(x: SimpleNamespace) -> str | None:
    return "sim_activation" if _SIM.search(x.text) else None


@tilth.examples(hits=["it says emergency calls only"], misses=["it says hello"])
@labeling_function()
def signal_pattern(x: SimpleNamespace) -> str | None:
    return "no_signal" if _SIGNAL.search(x.text) else None


@tilth.examples(hits=["The direct debit bounced"], misses=["The direct debit is too high"])
@labeling_function()
def bounced_pattern(x: SimpleNamespace) -> str | None:
    return "payment_failed" if _BOUNCED.search(x.text) else None


@tilth.examples(hits=["Where do I get a returns label?"], misses=["Where do I get a hub?"])
@labeling_function()
def return_pattern(x: SimpleNamespace) -> str | None:
    return "return_item" if _RETURN.search(x.text) else None


@tilth.examples(hits=["what is the exit fee"], misses=["what is the fee"])
@labeling_function()
def leave_pattern(x: SimpleNamespace) -> str | None:
    return "cancel_contract" if _LEAVE.search(x.text) else None


@tilth.examples(hits=["Is there an outage?"], misses=["Is there a discount?"])
@labeling_function()
def dark_pattern(x: SimpleNamespace) -> str | None:
    return "no_internet" if _DARK.search(x.text) else None
