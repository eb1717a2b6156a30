"""From the fitted model to what leaves the night.

In: the fitted model. Out: the model's folder, in full or compressed, with its threshold for texts out of scope, its
picture side, and the rows that it answers otherwise than the full model. How a file is written is `export/`, how a
smaller model is found `compression/`; here it is chosen what goes into them.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.training.exporting.exported_model import Model
    from tilth.training.exporting.exporting import Exporter
    from tilth.training.exporting.passage_reading import write_passages

__getattr__, __dir__ = lazy_exports(__name__)
