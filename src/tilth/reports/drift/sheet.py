"""The live texts that a person should look at, in the columns of `queue.csv`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tilth.reports.drift.measures import LiveTexts, Reference, new_words, words_of
from tilth.text import normal_form


def drift_sheet(live: LiveTexts, reference: Reference, most: int) -> pd.DataFrame:
    """One row a text, the worst first: out of scope, then with new words, then those that the model is least sure of.

    Returns:
        The columns of `queue.csv`, the answers empty. Copies of a text, and texts that the night has, stand there once
        and not at all.
    """
    words = {one["word"] for one in new_words(live.texts, reference.texts)}
    known = {normal_form(text) for text in reference.texts}
    held = [sorted(words_of(text) & words) for text in live.texts]
    surest = np.min(np.stack([*live.confidence.values()]), axis=0) if live.confidence else np.ones(len(live.texts))
    outside = live.scope < reference.limit
    kind = np.where(outside, 0, np.where([bool(one) for one in held], 1, 2))
    order = np.lexsort((np.where(kind == 0, live.scope, surest), kind))
    chosen: list[int] = []
    for place in order:
        form = normal_form(live.texts[place])
        if form and form not in known and len(chosen) < most:
            known.add(form)
            chosen.append(int(place))
    reasons = [_reason(live, reference, place, held[place], outside[place], surest[place]) for place in chosen]
    return _in_columns(live, chosen, reasons)


def _reason(live: LiveTexts, reference: Reference, place: int, held: list[str], outside: bool, surest: float) -> str:
    if outside:
        return (
            f"unlike the rows of night {reference.run_id}: scope {live.scope[place]:.2f}, below the limit "
            f"{reference.limit:.2f}"
        )
    if held:
        return f"words that night {reference.run_id} never saw: {', '.join(held[:5])}"
    return f"the model is unsure: {surest:.2f}"


def _in_columns(live: LiveTexts, places: list[int], reasons: list[str]) -> pd.DataFrame:
    sheet: dict[str, Any] = {
        "rank": np.arange(1, len(places) + 1),
        "id": [live.ids[place] for place in places],
        "text": [live.texts[place] for place in places],
        "detector": "drift",
        "reason": reasons,
        "belief": "",
        "group": "",
    }
    for task, predicted in live.predicted.items():
        sheet[f"{task}_suggested"] = predicted[places]
        sheet[f"{task}_confidence"] = live.confidence[task][places].astype(float).round(4)
    sheet["score"] = np.nan
    return pd.DataFrame({**sheet, **{f"{task}_answer": "" for task in live.predicted}})
