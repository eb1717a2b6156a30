"""Commands by which models answer, leave and are trained: `tilth predict`, `push`, `paraphraser`.

In: words of the command line; texts, a run's model. Out: predictions, paraphrases, a model's folder, and an exit
status. `bare.py` is `tilth predict` where little is installed: an option of `predict.py` stands there, too, and it
imports no library at its top.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.cli.models.bare import LIBRARY, launch_bare

__getattr__, __dir__ = lazy_exports(__name__)
