"""Thumbnails in the page, for the rows that matter most; what is left out is said."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from tilth.reports.columns import column
from tilth.reports.page.files import RunFiles
from tilth.reports.page.rows.touched import TouchedRows
from tilth.reports.thumbnails import Thumbnails

SIDE = 72
MOST_BYTES = 600_000
"""Of all thumbnails in the page, a fifth of it."""
_MOST_OF_ONE = 12_000


def add_thumbnails(run: RunFiles, touched: TouchedRows, facts: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Give rows with a picture its path, `pp`, and the first of them a thumbnail, `pic`, a data address; in place.

    Returns:
        `rows` with a picture among the touched ones, how many are `shown`, and `why_not` where none can be; None where
        no row has a picture.
    """
    frame = run.frame.iloc[touched.positions]
    paths, digests = (column(frame, name).to_numpy(dtype=object) for name in ("picture_path", "picture_digest"))
    with_picture = [place for place, path in enumerate(paths) if isinstance(path, str)]
    if not with_picture:
        return None
    thumbnails, spent, shown = Thumbnails(run.record, SIDE), 0, 0
    for place in with_picture:
        facts[place]["pp"] = str(paths[place])
        if spent >= MOST_BYTES:
            continue
        made = thumbnails.of(paths[place], digests[place])
        if made is not None and len(made) <= _MOST_OF_ONE:
            facts[place]["pic"] = f"data:image/jpeg;base64,{base64.b64encode(made).decode()}"
            spent, shown = spent + len(facts[place]["pic"]), shown + 1
    return {"rows": len(with_picture), "shown": shown, "why_not": thumbnails.why_not}
