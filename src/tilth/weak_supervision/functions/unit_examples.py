"""`@tilth.examples`: what a labeling function should and should not vote on, checked before it is trusted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
_ATTRIBUTE = "tilth_examples"


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Texts that a labeling function must vote on, and texts on which it must abstain."""

    hits: tuple[str, ...] = ()
    misses: tuple[str, ...] = ()


def examples(*, hits: Sequence[str] = (), misses: Sequence[str] = ()) -> Callable[[F], F]:
    """Attach examples to a labeling function; put it above `@labeling_function()`.

    Args:
        hits: texts on which the function must vote.
        misses: texts on which it must abstain.
    """

    def attach(function: F) -> F:
        setattr(function, _ATTRIBUTE, Examples(hits=tuple(hits), misses=tuple(misses)))
        return function

    return attach


def examples_of(function: Any) -> Examples:
    """The examples attached to a labeling function; none where it has none."""
    attached: Examples = getattr(function, _ATTRIBUTE, Examples())
    return attached
