"""What several stages learn from the same rows.

In: texts and labels. Out: nearest neighbors, a linear probe, models of further views (`VIEWS`), labels spread over near
rows, calibrated probabilities, out-of-fold predictions and their scores; `Evidence` computes those of one table once
and caches them. A model that two stages need belongs here, as pure functions of arrays: add a module, export its
functions below, and where `Evidence` caches what it computes, name the module in `row_features._CODE`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.learn.answered_confidence import Corrected, correct_confidence, logistic_posterior
    from tilth.learn.calibration import apply_temperature, calibrate, fit_temperature
    from tilth.learn.encoder_reading import EncoderReading, measure_reading
    from tilth.learn.hierarchy import decide
    from tilth.learn.linear_probe import FittedProbe, fit_predict, fit_probe, new_probe
    from tilth.learn.metrics import (
        expected_calibration_error,
        f1_counts,
        macro_f1,
        paired_bootstrap,
        scores,
        why_no_score,
    )
    from tilth.learn.model_comparison import Difference, Labels, difference, score, score_interval
    from tilth.learn.neighbors import Neighbors, nearest
    from tilth.learn.out_of_fold import OutOfFold, cross_validate, fit_probes, knowable, probes_from
    from tilth.learn.passage_fitting import fit_passage_pooling
    from tilth.learn.passage_pooling import PassagePooling, pooled
    from tilth.learn.passage_views import Focus, choose_focus, together
    from tilth.learn.row_pictures import RowPictures
    from tilth.learn.self_training import pseudo_label
    from tilth.learn.shared_features import Evidence
    from tilth.learn.views import VIEWS, class_centroids, complement_naive_bayes, pool, stiff_regression

__all__ = [
    "VIEWS",
    "Corrected",
    "Difference",
    "EncoderReading",
    "Evidence",
    "FittedProbe",
    "Focus",
    "Labels",
    "Neighbors",
    "OutOfFold",
    "PassagePooling",
    "RowPictures",
    "apply_temperature",
    "calibrate",
    "choose_focus",
    "class_centroids",
    "complement_naive_bayes",
    "correct_confidence",
    "cross_validate",
    "decide",
    "difference",
    "expected_calibration_error",
    "f1_counts",
    "fit_passage_pooling",
    "fit_predict",
    "fit_probe",
    "fit_probes",
    "fit_temperature",
    "knowable",
    "logistic_posterior",
    "macro_f1",
    "measure_reading",
    "nearest",
    "new_probe",
    "paired_bootstrap",
    "pool",
    "pooled",
    "probes_from",
    "pseudo_label",
    "score",
    "score_interval",
    "scores",
    "stiff_regression",
    "together",
    "why_no_score",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "answered_confidence": ("Corrected", "correct_confidence", "logistic_posterior"),
        "calibration": ("apply_temperature", "calibrate", "fit_temperature"),
        "encoder_reading": ("EncoderReading", "measure_reading"),
        "hierarchy": ("decide",),
        "linear_probe": ("FittedProbe", "fit_predict", "fit_probe", "new_probe"),
        "metrics": (
            "expected_calibration_error",
            "f1_counts",
            "macro_f1",
            "paired_bootstrap",
            "scores",
            "why_no_score",
        ),
        "model_comparison": ("Difference", "Labels", "difference", "score", "score_interval"),
        "neighbors": ("Neighbors", "nearest"),
        "out_of_fold": ("OutOfFold", "cross_validate", "fit_probes", "knowable", "probes_from"),
        "passage_fitting": ("fit_passage_pooling",),
        "passage_pooling": ("PassagePooling", "pooled"),
        "passage_views": ("Focus", "choose_focus", "together"),
        "row_pictures": ("RowPictures",),
        "self_training": ("pseudo_label",),
        "shared_features": ("Evidence",),
        "views": ("VIEWS", "class_centroids", "complement_naive_bayes", "pool", "stiff_regression"),
    },
)
