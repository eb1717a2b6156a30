"""What people read of a night.

In: a run's folder. Out: its page, `report.html`, which opens anywhere, and `report.json` with the same numbers
(`page/`); all nights and their trend (`history/`), what is different between two of them (`diff/`), why a row is what
it is (`explain/`), whether the figures are good enough (`gates.py`), and whether live texts differ (`drift/`). What is
wrong with one file is `audit/`, a room with a face of its own. `cards/` writes the cards of model and data, `drawing/`
turns the numbers of a figure into a picture.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.reports.cards import night_summary, write_cards
    from tilth.reports.diff import (
        compare_nights,
        diff_lines,
        diff_page,
        night_alarms,
        night_before,
        night_measures,
        since_last_night,
    )
    from tilth.reports.drift import LiveTexts, Reference, drift_lines, drift_sheet, measure_drift, reference_of
    from tilth.reports.explain import NightStories, find_row, stories, story, story_lines
    from tilth.reports.gates import failed_gates, parse_gate
    from tilth.reports.history import past_nights, trend_lines, write_index
    from tilth.reports.page import fit_map, write
    from tilth.reports.thumbnails import Thumbnails


__all__ = [
    "LiveTexts",
    "NightStories",
    "Reference",
    "Thumbnails",
    "compare_nights",
    "diff_lines",
    "diff_page",
    "drift_lines",
    "drift_sheet",
    "failed_gates",
    "find_row",
    "fit_map",
    "measure_drift",
    "night_alarms",
    "night_before",
    "night_measures",
    "night_summary",
    "parse_gate",
    "past_nights",
    "reference_of",
    "since_last_night",
    "stories",
    "story",
    "story_lines",
    "trend_lines",
    "write",
    "write_cards",
    "write_index",
]

__getattr__, __dir__ = lazy_exports(__name__)
