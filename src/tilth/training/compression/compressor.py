"""Make the night's model as small as its contract asks, or say by how much it fails."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tilth.errors import StageError
from tilth.training.compression.candidate import Candidate, make_candidate
from tilth.training.compression.config import ContractConfig
from tilth.training.compression.contract import Verdict, nearest, settle
from tilth.training.compression.cost import Costs, model_settings
from tilth.training.compression.full_model import FullModel
from tilth.training.compression.held_out import FEWEST
from tilth.training.compression.shape import Shape

log = logging.getLogger(__name__)

_PASSES, _MOST_STEPS, _FEWEST_TEXTS = 4, 1_000, 2_000


@dataclass(frozen=True, kw_only=True)
class Compressed:
    """What came of it.

    Attributes:
        candidate: what is exported; None exports the full model.
        tried: all that were made in full.
        facts: for `run.json`.
    """

    candidate: Candidate | None = None
    tried: Sequence[Candidate] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def compress(full: FullModel, contract: ContractConfig) -> Compressed:
    """Make smaller models until one keeps the contract; without one, take the nearest that keeps the points.

    Nothing of gold takes part: points are counted on held-out train rows, size by the files, and speed, where it
    decides, by a model of it.

    Args:
        full: the night's model.
        contract: what it may cost.
    """
    if not contract.enabled:
        return Compressed(facts={"answer": "none asked for"})
    if (why := _why_not(full)) is not None:
        log.warning("the contract is refused: %s; the full model is exported", why)
        return Compressed(facts={"answer": "refused", "why": why})
    contract, costs, steps = contract.filled(), costs_of(full), distillation_steps(full, contract)
    tried: list[tuple[Candidate, Verdict]] = []
    why_given_up = None
    for place, shape in enumerate(_shapes(full, contract, costs, steps)):
        try:
            candidate = make_candidate(full, shape, steps if needs_distillation(full, shape) else 0, f"{place}")
        except StageError as error:
            log.warning("%s: %s", shape, error)
            why_given_up = f"{shape}: {error}"
            continue
        tried.append((candidate, settle(contract, candidate, costs)))
        if tried[-1][1].met:
            break
    return _concluded(full, contract, tried, why_given_up)


def _concluded(
    full: FullModel, contract: ContractConfig, tried: Sequence[tuple[Candidate, Verdict]], why: str | None
) -> Compressed:
    chosen = nearest(tried)
    facts: dict[str, Any] = {
        "contract": contract.model_dump(mode="json", exclude_none=True),
        "held_out_rows": len(full.held_out.texts),
        "held_out_macro_f1": round(full.held_out.macro_f1(full.held_out.codes), 4),
        "tried": [describe(candidate) | {"misses": list(verdict.misses)} for candidate, verdict in tried],
    } | ({"given_up": why} if why else {})
    if chosen is None:
        facts |= {"answer": "refused", "why": "every smaller model loses more points than it may: the full one stands"}
        log.warning("the contract is refused: %s", facts["why"])
        return Compressed(tried=[candidate for candidate, _ in tried], facts=facts)
    candidate, verdict = chosen
    facts |= {"answer": "met" if verdict.met else "refused", "chosen": describe(candidate)}
    if verdict.met:
        log.info("the contract is met: %s", candidate.shape)
    else:
        facts["why"] = "; ".join(verdict.misses)
        log.warning("the contract is refused: the nearest is %s: %s", candidate.shape, facts["why"])
    return Compressed(candidate=candidate, tried=[one for one, _ in tried], facts=facts)


def describe(candidate: Candidate) -> dict[str, Any]:
    """A candidate's measures, for `run.json`."""
    return {
        "shape": candidate.shape.to_json(),
        "in_words": str(candidate.shape),
        "size_mb": round(candidate.size / 1e6, 3),
        **candidate.loss.to_json(),
        **candidate.facts,
    }


def _why_not(full: FullModel) -> str | None:
    """Why nothing could be decided; None where it can."""
    rows = int(full.deciding.sum())
    if rows < FEWEST or not (full.labeled & ~full.deciding).any():
        return f"{rows} held-out rows, {FEWEST} are needed to count points by"
    reached, chance = full.held_out.macro_f1(full.held_out.codes), full.held_out.chance()
    if not reached > chance:
        return (
            f"the model itself is no better than chance on held-out rows (macro-F1 {reached:.3f}, the most frequent "
            f"label alone {chance:.3f}): there is nothing to keep"
        )
    return None


def distillation_steps(full: FullModel, contract: ContractConfig) -> int:
    """Batches of distillation that the contract leaves for a shape."""
    if contract.steps != "auto":
        return contract.steps
    texts = int(full.transfer_rows.sum()) + len(full.extra_texts)
    if texts < _FEWEST_TEXTS:
        return 0
    return min(math.ceil(_PASSES * texts / full.batch_size), _MOST_STEPS)


def needs_distillation(full: FullModel, shape: Shape) -> bool:
    """Whether a shape has less than the full model's layers, heads and channels."""
    return len(shape.layers) < full.layers or shape.heads < 1 or shape.channels < 1


def costs_of(full: FullModel) -> Costs:
    """What shapes are weighed by."""
    width, channels, positions = model_settings((full.source / "config.json").read_text(encoding="utf-8"))
    pieces = int(full.trunk.model.get_input_embeddings().num_embeddings)
    tokenizer = full.source / "tokenizer.json"
    classes = sum(len(head.task.labels) for head in full.heads)
    other = 130_000 + classes * (4 * width + 10 * width + 60)
    if full.wording.packed is not None:
        path = full.scratch / "wording.npz"
        full.wording.packed.save(path)
        other += path.stat().st_size
        path.unlink()
    return Costs(
        layers=full.layers,
        width=width,
        channels=channels,
        pieces=pieces,
        kept_pieces=len(full.vocabulary.kept) if full.vocabulary is not None else pieces,
        positions=positions,
        tokenizer_bytes=int(tokenizer.stat().st_size * 0.7) if tokenizer.exists() else 40 * pieces,
        other_bytes=other,
    )


def _shapes(full: FullModel, contract: ContractConfig, costs: Costs, steps: int) -> Sequence[Shape]:
    """The shapes to make in full, in their order."""
    whole = tuple(range(full.layers))
    cheap = [Shape(layers=whole, bits=4), Shape(layers=whole, bits=8)]
    if not steps:
        return cheap
    ends = tuple(sorted({0, (full.layers - 1) // 2, full.layers - 1}))
    return [Shape(layers=ends, bits=4), *cheap]
