"""Was Leser schreiben, wenn es um Geld oder um Zeiten geht."""

from __future__ import annotations

import re
from types import SimpleNamespace

from snorkel.labeling import labeling_function

import tilth


@tilth.examples(hits=["Wie hoch ist die Mahngebühr?"], misses=["Wo finde ich Krimis?"])
@labeling_function()
def money(x: SimpleNamespace) -> str | None:
    return "gebuehren" if re.search(r"gebühr|euro|kostet|zahlen|mahnung|rechnung", x.text, re.IGNORECASE) else None


@labeling_function()
def hours(x: SimpleNamespace) -> str | None:
    return (
        "oeffnungszeiten" if re.search(r"geöffnet|geschlossen|öffnungszeit|macht ihr", x.text, re.IGNORECASE) else None
    )


@labeling_function()
def longer(x: SimpleNamespace) -> str | None:
    return (
        "verlaengern"
        if x.similar_to("Bitte verlängern Sie meine Bücher.", "Kann ich die Leihfrist verlängern?") > 0.6
        else None
    )
