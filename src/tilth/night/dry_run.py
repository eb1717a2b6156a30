"""What a night would do, without doing it."""

from __future__ import annotations

import logging
from typing import Any

from tilth import stage as stages
from tilth import store
from tilth.io import Ingested
from tilth.night.opening import Request, draft, forecast
from tilth.night.stages import Context, kept, left_out_by_now, warnings

log = logging.getLogger(__name__)


def plan(request: Request, ingested: Ingested) -> list[dict[str, Any]]:
    """For each stage, whether it runs, on how many rows, and from which cache; nothing is written.

    Returns:
        A list of `stage`, `runs`, `rows`, `exact` (whether the rows are known to be so many), `cached` (true, false,
        or null where it depends on the stage named by `after`), `folder`, of the cached result, and `seconds`, as the
        last nights took them for so many rows, or null.
    """
    drafted = draft(request, ingested)
    record, earlier = drafted.record, drafted.earlier
    for sentence in (*drafted.warnings, *drafted.changes):
        log.warning("%s", sentence)
    context = Context(record)
    table = store.read_table(earlier[-1]) if earlier else ingested.samples
    seconds = forecast(request, table.num_rows)
    files = {path.name: path for path in earlier}  # that a stage may be handed beside the table
    unknown: str | None = None  # the first stage whose result is not there yet; later ones depend on it
    rows = []
    for name in stages.NAMES:
        why = "not asked for" if name not in request.stages else stages.why_skipped(name, context.settings.stage(name))
        row = {"stage": name, "runs": why is None, "why": why, "rows": table.num_rows, "exact": unknown is None}
        row |= {"cached": None, "folder": None, "after": unknown, "seconds": seconds.get(name) if row["runs"] else None}
        functions = context.functions(name) if row["runs"] else None
        for warning in warnings(functions.notes()) if functions is not None else ():
            log.warning("%s", warning)
        if row["runs"] and unknown is None:
            folder, side = context.result(name, table, functions, files)
            row["cached"] = kept(folder)
            if row["cached"]:
                row["folder"] = str(folder)
                after = store.read_table(folder / "table.parquet")
                files |= {path.name: path for path in (folder / "artifacts").glob("*")}
                left_out = left_out_by_now(name, table, after, context, side)
                if left_out:
                    files[store.LEFT_OUT.format(stage=name)] = folder / "table.parquet"
                unknown = name if left_out is None else None
                table = table if left_out else after
            else:
                unknown = name
        rows.append(row)
    return rows


def embedded(request: Request, ingested: Ingested) -> tuple[int, int]:
    """How many of the input's different texts the encoder has read before, and how many there are."""
    encoder = Context(draft(request, ingested).record).encoder
    keys = {bytes.fromhex(store.digest(text)) for text in ingested.samples["text"][:]}
    vectors = store.Vectors(request.workspace.cache / "embeddings" / encoder.fingerprint)
    return len(keys) - len(vectors.missing(list(keys))), len(keys)
