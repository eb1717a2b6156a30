"""A smaller encoder, made of the night's.

In: the encoder, a shape (`Shape`), training texts. Out: a student of fewer layers, heads and pieces of vocabulary, or a
table of vectors without any layer, distilled from the encoder. A further way to make it smaller is a part of `Shape`
and a step in `steps.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.training.compression.student.distillation import Distilled, TransferSet, distill, read_texts
    from tilth.training.compression.student.last_student import LastStudent, Winner, digests
    from tilth.training.compression.student.shape import Bits, Shape
    from tilth.training.compression.student.static import no_encoder
    from tilth.training.compression.student.steps import STEPS, Materials
    from tilth.training.compression.student.student import Student, layers_of, pooled_states
    from tilth.training.compression.student.vocabulary import Vocabulary, cut_vocabulary

__getattr__, __dir__ = lazy_exports(__name__)
