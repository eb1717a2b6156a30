"""A night, step by step: open a run, perform one stage, close the run; flows add schedule and retries."""

from __future__ import annotations

import importlib.metadata
import logging
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datasets import Dataset

from tilth import samples as table
from tilth import stage as stages
from tilth import store
from tilth.config import Settings, load
from tilth.encoder import Encoder
from tilth.errors import RequestError, StageError
from tilth.evidence import Evidence
from tilth.ingest import Ingested, ingest
from tilth.samples import Source, Status, Task
from tilth.store import Cache, Run, Workspace
from tilth.weak_supervision import loader

log = logging.getLogger(__name__)

_SHARED = ("samples", "stage.py", "text.py", "judge.py", "encoder.py", "evidence.py")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a person asked of one night.

    Attributes:
        workspace: where it happens.
        overrides: dotted config key → value, stronger than `tilth.toml`.
        stages: the stages to run, in order.
        start: the stage to start from, with the table that the newest run of the same input has before it.
    """

    workspace: Workspace
    overrides: Mapping[str, Any] = field(default_factory=dict)
    stages: tuple[str, ...] = stages.NAMES
    start: str | None = None

    @property
    def settings(self) -> Settings:
        """The whole config, checked."""
        return load(self.workspace.config, self.overrides, stages.configs())


def begin(request: Request, ingested: Ingested | None = None) -> Run:
    """Read the input and open a run; a wrong request raises before anything is written."""
    settings = request.settings
    ingested = ingested or ingest(settings, request.workspace.root)
    before = store.latest(request.workspace.runs)
    earlier = _earlier_tables(request, ingested)
    run = Run.create(
        request.workspace.runs,
        {
            "tilth": importlib.metadata.version("tilth"),
            "config": settings.model_dump(mode="json"),
            "overrides": dict(request.overrides),
            "workspace": {
                "root": str(request.workspace.root),
                "config": str(request.workspace.config) if request.workspace.config else None,
                "data": str(request.workspace.data),
            },
            "asked": list(request.stages),
            "inputs": ingested.inputs,
            "ingest": {"notes": ingested.notes},
            "tasks": [task.to_json() for task in ingested.tasks],
            "carried": {"in": before.record.get("carried", {}).get("out", {}) if before else {}, "out": {}},
            "stages": [],
            "gold": None,
            "ledger": None,
            "model": None,
        },
    )
    store.write_table(run.path / "0-input.parquet", ingested.samples)
    for path in earlier:
        store.copy(path, run.path / path.name)
    return run


def _earlier_tables(request: Request, ingested: Ingested) -> list[Path]:
    if request.start is None or request.start == stages.NAMES[0]:
        return []
    wanted = [f"{number}-{name}.parquet" for number, name in enumerate(stages.NAMES, 1)]
    wanted = wanted[: stages.NAMES.index(request.start)]
    sums = [item["sha256"] for item in ingested.inputs]
    for run in reversed(store.all_runs(request.workspace.runs)):
        paths = [run.path / name for name in wanted]
        if [item["sha256"] for item in run.record["inputs"]] == sums and all(path.exists() for path in paths):
            return paths
    raise RequestError(
        f"--from {request.start}: no run of this input in {request.workspace.runs} has the stages before it; "
        f"run them first: tilth run --to {stages.NAMES[stages.NAMES.index(request.start) - 1]}"
    )


def perform(run: Run, name: str) -> dict[str, Any]:
    """Run one stage of a night on the newest table of the run, or take its result from the cache.

    Returns:
        The stage's entry in `run.json`.

    Raises:
        StageError: the stage failed; the run stays resumable.
    """
    record = run.record
    started = time.monotonic()
    before = store.read_table(store.newest_table(run.path))
    if name not in record["asked"]:
        entry = _entry(name, before, before, started, skipped="not asked for")
    else:
        try:
            entry = _perform(run, record, name, before, started)
        except RequestError:
            raise
        except Exception as error:
            log.exception("stage %s failed", name)
            raise StageError(f"stage {name} failed: {type(error).__name__}: {error}") from error
    run.update(stages=[*(item for item in run.record["stages"] if item["name"] != name), entry])
    return entry


def _perform(run: Run, record: dict[str, Any], name: str, before: Dataset, started: float) -> dict[str, Any]:
    context = _Context(record)
    functions = loader.load(context.workspace.labeling_functions, context.tasks) if name == "weak_supervision" else None
    carried = record["carried"]["in"].get(name)
    key = context.key(name, before, functions.fingerprint if functions else "", carried)
    folder = context.cache.folder("stages", key)
    cached = (folder / "result.json").exists()
    if not cached:
        carried_path = context.workspace.state / carried if carried else None
        _compute(name, before, context, folder, functions, carried_path)
    result = store.read_json(folder / "result.json")
    number = stages.NAMES.index(name) + 1
    store.copy(folder / "table.parquet", run.path / f"{number}-{name}.parquet")
    for artifact in sorted((folder / "artifacts").glob("*")):
        store.copy(artifact, run.path / artifact.name)
    if result["carried"]:
        run.update(carried={**record["carried"], "out": {**record["carried"]["out"], name: result["carried"]}})
        if not (context.workspace.state / result["carried"]).exists():
            store.copy(folder / "carried", context.workspace.state / result["carried"])
        # A night that starts from what this one carries, on the same rows, would end where this one did.
        again = context.cache.folder(
            "stages", context.key(name, before, functions.fingerprint if functions else "", result["carried"])
        )
        if not again.exists():
            store.copy(folder, again)
    after = store.read_table(run.path / f"{number}-{name}.parquet")
    extra = {key: result[key] for key in ("metrics", "figures")}
    return _entry(name, before, after, started, cached=cached, skipped=result["skipped"], **extra)


def _compute(
    name: str, before: Dataset, context: _Context, folder: Path, functions: Any, carried: Path | None
) -> None:
    scratch = Path(tempfile.mkdtemp(prefix=store.files.TEMPORARY, dir=_made(context.workspace.cache)))
    try:
        resources = stages.Resources(
            tasks=context.tasks,
            seed=context.settings.seed,
            evidence=context.evidence(before),
            scratch=scratch,
            carried=carried,
            labeling_functions=(functions,) if functions is not None else (),
        )
        result = stages.perform(name, before, context.settings.stage(name), resources)
        with store.atomic(folder) as beside:
            (beside / "artifacts").mkdir(parents=True)
            store.write_table(beside / "table.parquet", result.samples)
            for label, path in result.artifacts.items():
                shutil.move(path, beside / "artifacts" / label)
            if result.carried is not None:
                shutil.move(result.carried, beside / "carried")
            digest = store.digest_tree(beside / "carried") if result.carried is not None else None
            store.write_json(
                beside / "result.json",
                {
                    "metrics": dict(result.metrics),
                    "figures": [figure.to_json() for figure in result.figures],
                    "skipped": result.skipped,
                    "carried": digest,
                },
            )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


class _Context:
    """What the steps of one night share, read back from its record."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        root, config, data = (record["workspace"][name] for name in ("root", "config", "data"))
        self.workspace = Workspace(
            root=Path(root), config=Path(config) if config else None, data=Path(data), runs=Path(data) / "runs"
        )
        self.settings = load(self.workspace.config, record["overrides"], stages.configs())
        self.tasks = tuple(Task.from_json(task) for task in record["tasks"])
        self.cache = Cache(self.workspace.cache)
        self.encoder = Encoder(self.settings.encoder, self.cache)

    def evidence(self, samples: Dataset) -> Evidence:
        return Evidence(samples, encoder=self.encoder, cache=self.cache, folds=self.settings.folds)

    def key(self, name: str, before: Dataset, functions: str, carried: str | None) -> str:
        """Digest of everything that a stage's result depends on."""
        return store.digest_json(
            [
                name,
                code_digest(name),
                store.digest_table(before),
                self.settings.stage(name).model_dump(mode="json"),
                [self.settings.seed, self.settings.folds, self.encoder.fingerprint],
                [task.to_json() for task in self.tasks],
                functions,
                carried,
            ]
        )


def code_digest(name: str) -> str:
    """Digest of the source that a stage runs, so that an edit never meets an old result."""
    root = Path(__file__).parent
    files: list[Path] = []
    for part in (*_SHARED, name):
        files += sorted((root / part).rglob("*.py")) if (root / part).is_dir() else [root / part]
    return store.digest(*(file.read_bytes() for file in files))


def _entry(
    name: str,
    before: Dataset,
    after: Dataset,
    started: float,
    *,
    cached: bool = False,
    skipped: str | None = None,
    **extra: Any,
) -> dict[str, Any]:
    old, new = (table.to_pandas(samples)[["id", "status", "reason", "source"]] for samples in (before, after))
    fresh = new[new["status"].ne(new["id"].map(old.set_index("id")["status"]).fillna(Status.ACTIVE.value))]
    counts = {
        status: dict(Counter(fresh.loc[fresh["status"] == status, "reason"]).most_common())
        for status in (Status.QUARANTINED.value, Status.REVIEW.value)
    }
    added = new.iloc[len(old) :]
    return {
        "name": name,
        "rows_in": len(old),
        "rows_out": len(new),
        "added": int(added["source"].eq(Source.PARAPHRASE).sum()),
        **counts,
        "seconds": round(time.monotonic() - started, 2),
        "cached": cached,
        "skipped": skipped,
        "metrics": {},
        "figures": [],
        **extra,
    }


def finish(run: Run) -> dict[str, Any]:
    """Close a night: gold figures into the record, promotion, and the record's final word."""
    record = run.record
    training = next((item for item in record["stages"] if item["name"] == "training"), None)
    metrics = training["metrics"] if training else {}
    gold = {"rows": metrics.get("gold_rows", 0), **metrics["gold"]} if metrics.get("gold") else None
    model = "model" if (run.path / "model").exists() else None
    before = store.latest(run.path.parent)
    promoted, why = _promotion(record, metrics, before)
    run.finish(
        "completed",
        gold=gold,
        cross_validated=metrics.get("cross_validated"),
        model=model,
        promoted=promoted,
        promotion=why,
    )
    if promoted:
        run.promote()
    return run.record


def _promotion(record: Mapping[str, Any], metrics: Mapping[str, Any], before: Run | None) -> tuple[bool, str]:
    if set(record["asked"]) != set(stages.NAMES):
        return False, f"a partial night ({', '.join(record['asked'])}) is never promoted"
    old = before.record if before else None
    if old is None or old["inputs"][-1]["sha256"] != record["inputs"][-1]["sha256"]:
        return True, "nothing to compare it with"
    kind = "gold" if metrics.get("gold") else "cross_validated"
    now, then = (_mean_f1(value) for value in (metrics.get(kind), old.get(kind)))
    if now is None or then is None:
        return True, "nothing to compare it with"
    tolerance = record["config"]["promotion"]["tolerance"]
    verdict = f"{kind} macro-F1 {now:.3f} against {then:.3f} of run {old['run_id']}"
    return now >= then - tolerance, verdict


def _mean_f1(metrics: Mapping[str, Any] | None) -> float | None:
    values = [value["macro_f1"] for value in (metrics or {}).values() if isinstance(value, Mapping)]
    return sum(values) / len(values) if values else None


def plan(request: Request, ingested: Ingested) -> list[dict[str, Any]]:
    """What a night would do: for each stage, whether it runs, on how many rows, and whether a cached result is certain.

    Only the first stage's cache can be told beforehand; the others depend on what comes out of it.
    """
    before = store.latest(request.workspace.runs)
    sums = [item["sha256"] for item in ingested.inputs]
    same = before is not None and [item["sha256"] for item in before.record["inputs"]] == sums
    return [
        {
            "stage": name,
            "runs": name in request.stages,
            "rows": ingested.samples.num_rows,
            "cache": "likely: the input is that of the latest run" if same else "none: the input is new",
        }
        for name in stages.NAMES
    ]


def chosen(names: Sequence[str], start: str | None, stop: str | None, skip: Sequence[str]) -> tuple[str, ...]:
    """The stages from `start` to `stop` without the skipped ones; unknown names raise with the nearest one."""
    for name in filter(None, (start, stop, *skip)):
        if name not in names:
            stages.get(name)
    first, last = (names.index(start) if start else 0), (names.index(stop) if stop else len(names) - 1)
    return tuple(name for name in names[first : last + 1] if name not in skip)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def line(entry: Mapping[str, Any]) -> str:
    """One stage of a night in one line, for a person at a terminal."""
    if entry["skipped"]:
        return f"{entry['name']:<17} skipped: {entry['skipped']}"
    aside = [f"{count} {reason}" for reason, count in {**entry["quarantined"], **entry["review"]}.items()]
    parts = [f"{entry['rows_in']} rows in", f"{entry['rows_out']} out", *aside, f"{entry['seconds']:.1f} s"]
    return f"{entry['name']:<17} " + " · ".join(parts + (["cached"] if entry["cached"] else []))
