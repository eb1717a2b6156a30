"""How a night ends.

In: a run whose stages are done, or one that failed. Out: the last word of its record, whether it becomes the latest
(`promotion.py`), and messages to those who want to hear of it (`notification.py`). A further reason not to promote goes
into `promotion.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.night.closing.closing import fail, finish, promote
    from tilth.night.closing.notification import check_addresses, notify, notify_unopened

__getattr__, __dir__ = lazy_exports(__name__)
