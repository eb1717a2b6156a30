"""The numbers of a figure as a picture.

In: a figure as a stage hands it over (`tilth.stage.Figure`). Out: markup that needs no script, in the page's own
colors, and that reads the same in black and white. A new kind is a function in `charts.py`.
"""

from tilth.reports.drawing.charts import draw, least_span
from tilth.reports.drawing.svg import NOTHING, breakable, duration, formatted, number, shorten

__all__ = ["NOTHING", "breakable", "draw", "duration", "formatted", "least_span", "number", "shorten"]
