"""What turns a meaning round without moving its vector much: a word in the place of its opposite."""

from __future__ import annotations

from collections import defaultdict

from tilth.augmentation.text.words import stem
from tilth.text import normal_form

_PAIRS = (
    "up/down rise/fall rose/fell increase/decrease increase/reduce raise/lower higher/lower high/low upper/lower "
    "gain/lose gain/loss profit/loss win/lose won/lost grow/shrink strong/weak stronger/weaker strengthen/weaken "
    "bullish/bearish bull/bear buy/sell bought/sold long/short more/less more/fewer most/least many/few "
    "positive/negative good/bad better/worse best/worst hot/cold warm/cool big/small large/small fast/slow early/late "
    "before/after first/last old/new open/close open/shut start/stop start/end begin/end on/off in/out into/from "
    "enable/disable activate/deactivate accept/reject accept/decline approve/deny allow/forbid allow/block lock/unlock "
    "add/remove send/receive sent/received deposit/withdraw deposit/withdrawal credit/debit give/take lend/borrow "
    "push/pull connect/disconnect install/uninstall subscribe/unsubscribe freeze/unfreeze cheap/expensive always/never "
    "same/different true/false right/wrong easy/hard full/empty find/lose found/lost beat/miss outperform/underperform "
    "upgrade/downgrade upside/downside inflow/outflow import/export surplus/deficit success/failure pass/fail"
)


def _opposites() -> dict[str, set[str]]:
    opposites: dict[str, set[str]] = defaultdict(set)
    for pair in _PAIRS.split():
        one, two = map(stem, pair.split("/"))
        opposites[one].add(two)
        opposites[two].add(one)
    return opposites


_OPPOSITES = _opposites()


def replaces_by_opposite(source: str, paraphrase: str) -> bool:
    """Whether a word of the source is gone and a word stands there that means its opposite and was not there before.

    >>> replaces_by_opposite("metals will remain weak", "metals will be strong")
    True
    >>> replaces_by_opposite("turn it up or down", "turn it down or up")
    False
    """
    before, after = ({stem(word) for word in normal_form(text).split()} for text in (source, paraphrase))
    return any(_OPPOSITES.get(word, set()) & (after - before) for word in before - after)
