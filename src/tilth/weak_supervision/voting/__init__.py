"""Labeling functions over rows.

In: loaded functions and rows. Out: the label matrix, in Snorkel's terms: a `Ballot` a function, with its column of
votes or the reason why it has none. Each applier wraps the next: `applier` is a plain loop, `isolated_applier` runs it
in guarded processes, `cached_applier` runs those on new rows only.

To offer functions more of a row: `data_points.Row`, and a new `_ROW_VERSION` in `vote_cache`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.weak_supervision.voting.applier import ABSTAIN
    from tilth.weak_supervision.voting.cached_applier import cast_votes
    from tilth.weak_supervision.voting.config import VotingConfig
    from tilth.weak_supervision.voting.label_matrix import Ballot, full_name, write_label_matrix

__getattr__, __dir__ = lazy_exports(__name__)
