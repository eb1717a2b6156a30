"""All layers of the encoder are trained."""

from __future__ import annotations

from tilth.training.modes.base import Mode, TrainedTrunk, TuningJob


def train_full(job: TuningJob) -> TrainedTrunk:
    """Fine-tune every layer with a linear head for each task."""
    from tilth.learn.encoder import encode_with_trunk
    from tilth.training.trainer import tune

    tuned = tune(job.folder, job.rows, job.heads, job.config, job.seed, job.checkpoints("full"))
    most = job.reads.max_chunks
    vectors = encode_with_trunk(tuned.trunk, job.folder, job.rows.texts, job.config.max_tokens, most)
    return TrainedTrunk(tuned=tuned, vectors=vectors)


FULL = Mode(name="full", meaning="all layers trained", step_cost=1.0, train=train_full)
