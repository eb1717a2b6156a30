"""Phrases found in labeled messages by `tilth lf suggest`, read by a person, and put more broadly."""

from __future__ import annotations

import re
from types import SimpleNamespace

from snorkel.labeling import labeling_function

import tilth

TASK = "intent"

_RUNS = re.compile(
    r"\b(the speed|speed (test|check)|megabits?|mbps|lag(s|ging|gy)?|crawl|upload|buffer(s|ing)?)\b", re.I
)
_PACKAGE = re.compile(
    r"\b(cheaper|bundle|downgrade|haggle\w*"
    r"|packages (presently|on sale|do)|(bigger|smaller) (package|plan)|tariff)\b",
    re.I,
)
_BILLED = re.compile(r"\b(vat|surcharge|premium (num\w*|calls?)|why is it £|admin|price went up|full price)\b", re.I)
_WHEN = re.compile(r"\b(pay ?day|payday|salary|paid on|get paid|sort code|standing order|direct debit date)\b", re.I)
_CANCEL = re.compile(
    r"\b(days.? notice|give notice|not renewing"
    r"|(early|exit) (exit|departure)|cancel (everything|it all|my contract)|back out)\b",
    re.I,
)
_MOVES = re.compile(
    r"\b(we.re moving|i.m moving|are moving|new (house|flat|home)"
    r"|move (house|home|in)|removal|checker|completion)\b",
    re.I,
)
_PARCEL = re.compile(
    r"\b(the courier|your driver|left (a card|with neighbour)"
    r"|doorstep|in the hedge|tracking (number|says)|customs)\b",
    re.I,
)
_VISIT = re.compile(r"\b(engineer|fitter|technician|slot|no-show|visit)\b", re.I)
_BACK = re.compile(r"\b(goodwill|cheque|refund\w*|compensation|overpaid|paid? (it )?back)\b", re.I)
_BORDER = re.compile(r"\b(border|ferry|day pass|foreign|france|spain|jersey|crete|norway|eu)\b", re.I)


@tilth.examples(hits=["netflix keeps buffering"], misses=["netflix is dear"])
@labeling_function()
def speed_phrases(x: SimpleNamespace) -> str | None:
    return "slow_speed" if _RUNS.search(x.text) else None


@tilth.examples(hits=["Have you a cheaper bundle?"], misses=["Have you a shop?"])
@labeling_function()
def package_phrases(x: SimpleNamespace) -> str | None:
    return "change_plan" if _PACKAGE.search(x.text) else None


@tilth.examples(hits=["VAT was added twice"], misses=["It was added twice"])
@labeling_function()
def billed_phrases(x: SimpleNamespace) -> str | None:
    return "unexpected_charge" if _BILLED.search(x.text) else None


@tilth.examples(hits=["I get paid on Fridays"], misses=["I come on Fridays"])
@labeling_function()
def pay_day_phrases(x: SimpleNamespace) -> str | None:
    return "change_payment_date" if _WHEN.search(x.text) else None


@tilth.examples(hits=["I am giving thirty days' notice"], misses=["I gave it thirty days"])
@labeling_function()
def notice_phrases(x: SimpleNamespace) -> str | None:
    return "cancel_contract" if _CANCEL.search(x.text) else None


@tilth.examples(hits=["We are moving in May"], misses=["The picture is not moved in May"])
@labeling_function()
def removal_phrases(x: SimpleNamespace) -> str | None:
    return "moving_home" if _MOVES.search(x.text) else None


@tilth.examples(hits=["the courier was here"], misses=["the engineer was here"])
@labeling_function()
def parcel_phrases(x: SimpleNamespace) -> str | None:
    return "delivery_tracking" if _PARCEL.search(x.text) else None


@tilth.examples(hits=["what time is the fitter coming"], misses=["what time is it"])
@labeling_function()
def visit_phrases(x: SimpleNamespace) -> str | None:
    return "engineer_visit" if _VISIT.search(x.text) else None


@tilth.examples(hits=["my cheque never came"], misses=["my bill never came"])
@labeling_function()
def money_back_phrases(x: SimpleNamespace) -> str | None:
    return "refund_status" if _BACK.search(x.text) else None


@tilth.examples(hits=["a day pass for Boston"], misses=["a day off in Boston"])
@labeling_function()
def border_phrases(x: SimpleNamespace) -> str | None:
    return "roaming" if _BORDER.search(x.text) else None
