"""How a night begins.

In: what a person asked for (`Request`), the input's rows, what earlier nights left. Out: a run's folder with its record
and first table. What a night has to know before its first stage is worked out here, and written in the record.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.night.opening.deadline import deadline_sentence, forecast
    from tilth.night.opening.opening import begin, draft
    from tilth.night.opening.request import Request, chosen

__getattr__, __dir__ = lazy_exports(__name__)
