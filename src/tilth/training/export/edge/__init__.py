"""A model for a board without a GPU.

In: a model's folder, texts to measure scales on. Out: a folder with one graph of fixed shape in plain operators, what
it is handed (`edge_inputs`), and its facts. An operator that an accelerator lacks is taken apart in
`plain_operators.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.training.export.edge.edge import EdgeFacts, edge_facts, export_edge, quantize_edge
    from tilth.training.export.edge.inputs import edge_inputs

__getattr__, __dir__ = lazy_exports(__name__)
