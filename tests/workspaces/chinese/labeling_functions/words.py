"""Words that give a message's topic away."""

from __future__ import annotations

from types import SimpleNamespace

from snorkel.labeling import labeling_function

import tilth


@tilth.examples(hits=["我要退款"], misses=["快递到哪里了"])
@labeling_function()
def refund(x: SimpleNamespace) -> str | None:
    return "退款" if any(word in x.text for word in ("退款", "退货", "退钱", "退掉")) else None


@labeling_function()
def invoice(x: SimpleNamespace) -> str | None:
    return "发票" if "发票" in x.text else None


@labeling_function()
def parcel(x: SimpleNamespace) -> str | None:
    return "物流" if x.similar_to("快递到哪里了?", "我的包裹还没有收到。") > 0.8 else None
