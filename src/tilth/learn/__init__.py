"""What several stages learn from the same rows.

In: texts and labels. Out: nearest neighbors, a linear probe, models of further views (`VIEWS`), labels spread over near
rows, calibrated probabilities, out-of-fold predictions and their scores; `Evidence` computes those of one table once
and caches them. A model that two stages need belongs here, as pure functions of arrays: add a module to the room of its
kind (`models/`, `neighbors/`, `passages/`, `probabilities/`, `metrics/`), export its functions there and below, and
where `Evidence` caches what it computes, name the module in `row_features._CODE`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.learn.class_names import ClassTexts, class_texts
    from tilth.learn.encoder_reading import EncoderReading, measure_reading
    from tilth.learn.metrics import (
        Labels,
        difference,
        expected_calibration_error,
        f1_counts,
        macro_f1,
        paired_bootstrap,
        score,
        score_interval,
        scores,
        why_no_score,
    )
    from tilth.learn.models import (
        VIEWS,
        FittedProbe,
        OutOfFold,
        class_centroids,
        complement_naive_bayes,
        cross_validate,
        fit_predict,
        fit_probe,
        fit_probes,
        knowable,
        new_probe,
        pool,
        probes_from,
        pseudo_label,
        stiff_regression,
    )
    from tilth.learn.named_classes import NamedClasses
    from tilth.learn.neighbors import Neighbors, nearest
    from tilth.learn.passages import Focus, PassagePooling, choose_focus, fit_passage_pooling, pooled, together
    from tilth.learn.probabilities import (
        apply_temperature,
        calibrate,
        correct_confidence,
        decide,
        fit_temperature,
        logistic_posterior,
    )
    from tilth.learn.row_pictures import RowPictures
    from tilth.learn.shared_features import Evidence

__getattr__, __dir__ = lazy_exports(__name__)
