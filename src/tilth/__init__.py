"""tilth: clean, weakly label, paraphrase, pick and train on a pile of half-labeled text, every night."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tilth.weak_supervision.examples import examples

__all__ = ["examples"]


def __getattr__(name: str) -> Any:
    """`tilth.examples`, loaded only when asked for, so that `import tilth` stays fast."""
    if name == "examples":
        from tilth.weak_supervision.examples import examples

        return examples
    raise AttributeError(f"module 'tilth' has no attribute '{name}'")
