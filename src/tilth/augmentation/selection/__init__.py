"""Which rows are paraphrased, and which candidates are accepted.

In: rows with labels, candidates with their embeddings. Out: the sources, what the gate measures of each candidate and
its verdicts, each class's budget, and what more labels would be worth. A check of the gate
is added in `gate.py`, with a value of `Reason`; what it rests on is measured in `measures.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.augmentation.selection.budget import class_budgets, fill_budgets, share_weights
    from tilth.augmentation.selection.candidates import CandidateMeasures, Candidates
    from tilth.augmentation.selection.config import GateConfig
    from tilth.augmentation.selection.cross_fitting import CrossFitting
    from tilth.augmentation.selection.gate import (
        add_grammar_verdicts,
        gate_verdicts,
        keeps_label,
        read_passed,
        refuse_by_people,
    )
    from tilth.augmentation.selection.label_agreement import (
        LabelAgreementModels,
        fit_label_agreement,
        multiclass_tasks,
        probe_probabilities,
    )
    from tilth.augmentation.selection.learning_curve import Worth, estimate_worth
    from tilth.augmentation.selection.measures import measure_candidates
    from tilth.augmentation.selection.scoring import difference_interval, labeled_rows, mean_macro_f1
    from tilth.augmentation.selection.sources import ChosenSources, choose_sources, class_sizes, source_order

__getattr__, __dir__ = lazy_exports(__name__)
