"""Whether a smaller model keeps the contract, and which one is nearest where none does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tilth.training.compression.candidate import Candidate
from tilth.training.compression.config import ContractConfig
from tilth.training.compression.cost import Costs
from tilth.training.compression.held_out import Loss


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How a model stands to a contract.

    Attributes:
        misses: a sentence for each term that is not kept.
        keeps_points: whether it loses no more than it may.
        surely: whether that holds for the upper end of the points' interval, too.
        excess: by how much the other terms are missed together, as a share of what they allow.
    """

    misses: tuple[str, ...]
    keeps_points: bool
    surely: bool
    excess: float

    @property
    def met(self) -> bool:
        """Whether every term is kept."""
        return not self.misses


def settle(contract: ContractConfig, candidate: Candidate, costs: Costs, milliseconds: float | None = None) -> Verdict:
    """Hold a model to each term that is set.

    Args:
        contract: the terms.
        candidate: the model.
        costs: what its throughput is estimated by.
        milliseconds: of the call that `latency_ms` is of, clocked.
    """
    misses, excess = [], 0.0
    megabytes, speed = candidate.size / 1e6, costs.slowest(candidate.shape)
    if contract.size_mb is not None and megabytes > contract.size_mb:
        misses.append(f"{megabytes:.2f} MB, at most {contract.size_mb:g} are asked for")
        excess += megabytes / contract.size_mb - 1
    if contract.throughput is not None and speed < contract.throughput:
        misses.append(f"about {speed:.1f} times the throughput, at least {contract.throughput:g} is asked for")
        excess += contract.throughput / speed - 1
    if contract.latency_ms is not None and milliseconds is not None and milliseconds > contract.latency_ms:
        misses.append(f"{milliseconds:.2f} ms a call, at most {contract.latency_ms:g} are asked for")
        excess += milliseconds / contract.latency_ms - 1
    points = _points(contract, candidate)
    surely = not points and uncertain_points(contract, candidate.loss) is None
    return Verdict(misses=(*misses, *points), keeps_points=not points, surely=surely, excess=excess)


def _points(contract: ContractConfig, candidate: Candidate) -> list[str]:
    loss, misses = candidate.loss, []
    if contract.points_lost is not None and loss.points > contract.points_lost:
        least, most = loss.interval
        misses.append(
            f"{loss.points:.2f} points lost ({least:.1f} to {most:.1f}), at most {contract.points_lost:g} are allowed"
        )
    worst = contract.points_lost_worst_class
    if worst is not None and loss.worst_points is None:
        misses.append("no class has held-out rows enough to say what the worst one loses")
    elif worst is not None and loss.worst_points is not None and loss.worst_points > worst:
        misses.append(f'{loss.worst_points:.1f} points lost in "{loss.worst_class}", at most {worst:g} are allowed')
    return misses


def uncertain_points(contract: ContractConfig, loss: Loss) -> str | None:
    """A sentence where a model keeps the points, and its rows are too few to be sure of it; None where they are not."""
    most = loss.interval[1]
    if contract.points_lost is None or not loss.points <= contract.points_lost < most:
        return None
    return (
        f"{loss.points:.1f} points are lost on {loss.labeled} held-out rows; so few cannot exclude up to {most:.1f} "
        "(95%), and more labels would tell"
    )


def slower_here(contract: ContractConfig, clocked: Mapping[str, float]) -> str | None:
    """Where this machine's clock stays below the throughput that a contract asks for, a sentence that says so.

    Args:
        contract: its throughput is decided by an estimate, the same on every machine.
        clocked: times the full model's, by batch.
    """
    if contract.throughput is None or min(clocked.values()) >= contract.throughput:
        return None
    times = " and ".join(f"{times:.1f} at batch {batch}" for batch, times in clocked.items())
    return f"on this machine it is clocked at {times} times the throughput, where {contract.throughput:g} is asked for"


def nearest(tried: Sequence[tuple[Candidate, Verdict]]) -> tuple[Candidate, Verdict] | None:
    """The one that is met; else of those that surely keep the points the one that misses the rest by least.

    A refused contract is kept by no model however small, so that nothing is gained by one that may lose more than it
    seems. Where none is sure, the one that loses least at the upper end of its interval, of those that keep the points.
    """
    kept = [pair for pair in tried if pair[1].keeps_points]

    def rank(pair: tuple[Candidate, Verdict]) -> tuple[bool, bool, float, float]:
        candidate, verdict = pair
        most = 0.0 if verdict.surely else candidate.loss.interval[1]
        return not verdict.met, not verdict.surely, most, verdict.excess

    return min(kept, key=rank) if kept else None
