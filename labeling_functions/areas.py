"""Words that place a message in one department, whatever it is about there."""

from __future__ import annotations

import re
from types import SimpleNamespace

from snorkel.labeling import labeling_function

import tilth

TASK = "area"

_BROADBAND = re.compile(
    r"\b(wi-?fi|netflix|upstairs|technician|fitter|no lights"
    r"|internet is (slow|down)|the speed|lag\w*|walls?|red light|slot)\b",
    re.I,
)
_MOBILE = re.compile(
    r"\b(e?sim|mast|roaming|abroad|gigs?|allowance|hotspot|border|puk|pac|handset|emergency calls|no bars)\b", re.I
)
_BILLING = re.compile(
    r"\b(refund\w*|debit|statement|overdraft|invoices?|my bank"
    r"|payment|cheque|goodwill|vat|surcharge|bill (is|was|of|has))\b",
    re.I,
)
_ORDERS = re.compile(
    r"\b(parcel|courier|tracking|label|order(ed)?|delivery|post office|doorstep|depot|cracked)\b", re.I
)
_ACCOUNT = re.compile(
    r"\b(password|log ?in|locked out|cheaper|bundle|moving house"
    r"|username|days.? notice|my contract|checker|new (house|flat))\b",
    re.I,
)
_ALL = {
    "broadband": _BROADBAND,
    "mobile": _MOBILE,
    "billing": _BILLING,
    "orders": _ORDERS,
    "account": _ACCOUNT,
}


def _only(x: SimpleNamespace, area: str) -> str | None:
    """The area, where no other one's words are in the text too."""
    if not _ALL[area].search(x.text):
        return None
    return None if any(words.search(x.text) for name, words in _ALL.items() if name != area) else area


@tilth.examples(hits=["the wifi is dead"], misses=["the wifi on my statement"])
@labeling_function()
def broadband_words(x: SimpleNamespace) -> str | None:
    return _only(x, "broadband")


@tilth.examples(hits=["roaming is off"], misses=["roaming on my statement"])
@labeling_function()
def mobile_words(x: SimpleNamespace) -> str | None:
    return _only(x, "mobile")


@tilth.examples(hits=["my statement is wrong"], misses=["my statement and my parcel"])
@labeling_function()
def billing_words(x: SimpleNamespace) -> str | None:
    return _only(x, "billing")


@tilth.examples(hits=["where is my parcel"], misses=["where is my refund for the parcel"])
@labeling_function()
def order_words(x: SimpleNamespace) -> str | None:
    return _only(x, "orders")


@tilth.examples(hits=["forgot the password"], misses=["the wifi password"])
@labeling_function()
def account_words(x: SimpleNamespace) -> str | None:
    return _only(x, "account")
