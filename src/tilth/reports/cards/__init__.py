"""The cards of a night's model and of its data, as the Hub reads them: YAML front matter, then what a person reads.

In: a run's folder. Out: `model/README.md` and `data-card.md` in it (`write_cards`). They name classes, counts and
digests, and hold no text of a row, so that a card can be shown where the data cannot. `night_summary` is what
Prefect's page shows of a night. What a card says more is a fact in `facts.py` and a line of its template.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.reports.cards.writing import night_summary, write_cards

__getattr__, __dir__ = lazy_exports(__name__)
