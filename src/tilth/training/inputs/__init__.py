"""What training starts from: its settings, and the rows of the table as it takes them.

In: the table, `[training]`. Out: `Config`; which rows are trained on and at which weight (`TrainingSet`), how classes
are balanced, pictures of rows, labels of a model's own. A further setting goes into `config.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.training.inputs.class_balance import balance_classes, balance_task
    from tilth.training.inputs.config import Config
    from tilth.training.inputs.head_of_rows import fit_head_of_rows
    from tilth.training.inputs.label_doubt import LabelDoubt
    from tilth.training.inputs.noisy_labels import NoisyLabels
    from tilth.training.inputs.pseudo_labels import propagated_rows, relabeled
    from tilth.training.inputs.rejections import rejected_rows
    from tilth.training.inputs.row_pictures import PictureRows, has_rows, picture_rows
    from tilth.training.inputs.trainer_rows import named_by, tuning_rows
    from tilth.training.inputs.training_set import FOLDS, TrainingSet, classes_without_rows, folds_of, training_set_of

__getattr__, __dir__ = lazy_exports(__name__)
