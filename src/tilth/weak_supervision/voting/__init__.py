"""Labeling functions over rows.

In: functions and rows. Out: the label matrix, in Snorkel's terms; each applier wraps the next (plain, isolated,
cached).
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.weak_supervision.voting.applier import ABSTAIN
    from tilth.weak_supervision.voting.cached_applier import cast_all
    from tilth.weak_supervision.voting.config import VotingConfig
    from tilth.weak_supervision.voting.label_matrix import Ballot, name_of, write_votes

__all__ = ["ABSTAIN", "Ballot", "VotingConfig", "cast_all", "name_of", "write_votes"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "applier": ("ABSTAIN",),
        "cached_applier": ("cast_all",),
        "config": ("VotingConfig",),
        "label_matrix": ("Ballot", "name_of", "write_votes"),
    },
)
