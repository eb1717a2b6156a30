"""Training: one encoder with a head for each task, calibrated, compressed and exported to ONNX.

In: the table with its current labels. Out: predictions for every row, figures, and the folder `model`, which
`Predictor` reads. Another classifier goes into `heads/`, another way to train the encoder into `trainer/`,
chosen in `fitting/` by what held-out train rows say. `stage.py` reads as the stage does: `inputs/`, `fitting/` (with
`views/`), `exporting/`, `evaluation/`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from pathlib import Path

    from datasets import Dataset

    from tilth.config import EncoderConfig
    from tilth.stage import EncoderTuner, Resources, StageResult
    from tilth.training.export import push_model
    from tilth.training.export.answer_cache import cached_answers
    from tilth.training.export.predictor import Predictor
    from tilth.training.export.predictor_code import predictor_code_digest
    from tilth.training.inputs import Config

__getattr__, __dir__ = lazy_exports(__name__)


def check(config: Config) -> None:
    """Whether the device is there, and computes as the config says, before the stages before this one take their time.

    Raises:
        ConfigError: the device, this installation or a batch lacks what the config names.
    """
    from tilth.training.trainer import check_hardware

    check_hardware(config, trained=config.mode != "probe")


def check_encoder(config: Config, folder: Path, reads: EncoderConfig) -> None:
    """Whether this encoder can be trained as the config says.

    Raises:
        ConfigError: processes cannot share the products of its layers, or it reads long texts by windows, or would have
            to, as nothing here trains it.
    """
    if config.mode == "probe":
        return
    config.check_long_texts(windows=reads.attention != "full")
    if config.tensor_parallel > 1:
        from tilth.training.trainer import check_tensor_parallel

        check_tensor_parallel(folder, config.tensor_parallel)


def run(samples: Dataset, config: Config, resources: Resources) -> StageResult:
    """Trains on the learnable rows, exports the model, and predicts every row by the export.

    While few of those rows have changed since, the exported model of an earlier night answers: see `carried_model`.

    Args:
        samples: The table; only this stage's columns change.
        config: `[training]`.
        resources: The encoder, the cached embeddings and the out-of-fold probe.

    Returns:
        The table with the predictions, metrics (`gold` or `cross_validated`, `trunk`, `export`), figures, and the
        folder `model`. Skipped where no task has a row to learn from.
    """
    from tilth.training.carried_model import train_or_take
    from tilth.training.modes import remove_checkpoints

    result = train_or_take(samples, config, resources)
    remove_checkpoints(resources.evidence.cache)
    return result


def wants_candidates(config: Config) -> bool:
    """Whether paraphrases are to be drawn for distillation alone: where its steps are named.

    With `steps = "auto"` those that augmentation drew for itself are used: a draw costs more than a small table's whole
    training.
    """
    return config.contract.enabled and config.contract.steps not in ("auto", 0)


def encoder_tuner(config: Config) -> EncoderTuner | None:
    """How the encoder would be trained, for stages before this one that ask what more rows are worth to it."""
    from tilth.training.fitting import ShortTuner

    return None if config.mode == "probe" else ShortTuner(config)
