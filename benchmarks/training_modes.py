"""Training by mode: gold macro-F1, accuracy and CPU seconds, beside a plain loop of transformers' Trainer and SetFit.

    python benchmarks/training_modes.py --data data/public
    python benchmarks/training_modes.py --data data/public --sets banking77:0 --modes full --peer --cells cells
    python benchmarks/training_modes.py --data data/public --sets banking77:5,10 clinc150:5,10 --seeds 3 --peer setfit
    python benchmarks/training_modes.py --data data/public --sets clinc150:5 --peer --class-names never auto

A size of 0 is all labels. With few labels, every other text is there without its label, and weak supervision, which has
no function, labels it by the text, as a night does: tilth's rows use unlabeled texts there, the peers' none. The plain
loop is `transformers.Trainer` in float32 on all train rows: four epochs of all labels, 150 steps where labels are few.
SetFit runs in an environment of its own (`--setfit PYTHON`, which has setfit installed), for 30 minutes of processor
time at most. `--plain-steps` and `--setfit-steps` end either after so many batches, to which its learning rate falls.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import _results
import numpy as np
import pandas as pd
from _rivals_peers import fine_tune, seconds_spent
from cleaning import read

from tilth import samples as table
from tilth.config import EncoderConfig
from tilth.learn import Evidence, class_texts, scores
from tilth.learn.encoder import Encoder, encode_with_trunk
from tilth.samples import Task
from tilth.stage import Resources, perform
from tilth.store import Cache
from tilth.training import Config
from tilth.training.fitting import fit_model
from tilth.training.heads import predict_probabilities
from tilth.training.inputs.class_balance import balance_classes
from tilth.training.inputs.training_set import training_set_of
from tilth.training.views.view_pooling import WordingTrial, fit_wording
from tilth.weak_supervision.config import Config as WeakConfig

COLUMNS = ("data set", "labels a class", "model", "unlabeled texts", "gold macro-F1", "accuracy", "trained", "CPU s")
PLAIN, SETFIT = "plain `Trainer` loop, float32", "SetFit, num_iterations=20"
SETFIT_SECONDS = 1800
"""Of processor time."""
_SETFIT = """
import functools, json, pathlib, sys, time
from datasets import Dataset
from setfit import SetFitModel, Trainer, TrainingArguments
from transformers import TrainerCallback
given, kept = json.load(sys.stdin), pathlib.Path(sys.argv[1])
spent = kept / "seconds.txt"
model = SetFitModel.from_pretrained(given["folder"])
before, begun = float(spent.read_text()) if spent.exists() else 0.0, time.process_time()
class Spent(TrainerCallback):
    def on_save(self, *_, **__):
        spent.write_text(str(before + time.process_time() - begun))
trainer = Trainer(
    model=model,
    args=TrainingArguments(
        num_iterations=20, num_epochs=1, max_steps=given["steps"], seed=given["seed"], report_to="none",
        output_dir=str(kept), save_steps=20,
    ),
    train_dataset=Dataset.from_dict({"text": given["texts"], "label": given["labels"]}), callbacks=[Spent()],
)
train, resumed = trainer.st_trainer.train, any(kept.glob("checkpoint-*"))
trainer.st_trainer.train = functools.partial(train, resume_from_checkpoint=resumed)
trainer.train()
found = {"s": before + time.process_time() - begun, "labels": [str(x) for x in model.predict(given["gold"])]}
json.dump(found, open(kept / "found.json", "w"))
"""


def night(
    some: pd.DataFrame, gold: pd.DataFrame, rest: list[str], config: Config, seed: int, encoder: Encoder, home: Path,
    weigh: Callable[[np.ndarray], np.ndarray] = np.ones_like, class_names: str = "auto",
) -> dict[str, Any]:  # fmt: skip
    """Gold scores of the fitted model, in float, and what its training said; the gold texts stay out of the table.

    `weigh` gives the weight of a row by the number of rows that its class has; `class_names` is as in `[data]`.
    """
    texts = [*some["text"].astype(str), *rest]
    splits = ["train"] * len(some) + ["unlabeled"] * len(rest)
    frame = pd.DataFrame({"id": [f"r{i}" for i in range(len(texts))], "text": texts, "split": splits})
    frame["source"], frame["parent_id"], frame["status"], frame["reason"] = "input", None, "active", None
    frame["label_given"] = [*some["label"], *[None] * len(rest)]
    task = Task(name="label", labels=tuple(sorted(some["label"].unique())))
    samples = table.from_pandas(table.resolve(frame, [task]), [task])

    def resources(name: str) -> Resources:
        scratch = home / f"{name}{time.monotonic_ns()}"
        scratch.mkdir()
        named = class_texts((task,), {}, class_names)
        evidence = Evidence(samples, encoder=encoder, cache=Cache(home / "cache"), class_texts=named)
        return Resources(tasks=(task,), seed=seed, evidence=evidence, scratch=scratch)

    if rest:
        samples = perform("weak_supervision", samples, WeakConfig(), resources("weak")).samples
    own, frame, begun = resources("training"), table.to_pandas(samples), time.process_time()
    training_set, balance = balance_classes(training_set_of(frame, (task,), own), config, seed)
    counts = np.bincount(training_set.codes["label"][training_set.labeled], minlength=len(task.labels)).astype(float)
    weights = training_set.weights["label"] * weigh(np.maximum(counts, 1))[training_set.codes["label"]]
    training_set = replace(training_set, weights={"label": weights * len(weights) / weights.sum()})
    trial = WordingTrial(frame["text"].tolist(), training_set, config)
    fitted = fit_model(frame, training_set, trial, config.of_texts(len(frame)), own, encoder.folder)
    wording = fit_wording(trial, fitted.held_out)
    seconds, unseen = time.process_time() - begun, gold["text"].astype(str).tolist()
    if fitted.trunk is None:
        vectors = encoder.encode(unseen)
    else:
        vectors = encode_with_trunk(fitted.trunk, encoder.folder, unseen, config.max_tokens, encoder.config.max_chunks)
    mixed = wording.mix(unseen, predict_probabilities(fitted.heads, vectors))
    answers = task.decoded(wording.normalized(mixed)["label"].argmax(axis=1)).tolist()
    trunk = dict(fitted.facts)
    said = {"mode": trunk["mode"], "trunk": trunk, "balance": balance["label"], "names": training_set.named_facts}
    return {**scores(gold["label"].tolist(), answers), "s": seconds, **said}


def plain(
    some: pd.DataFrame, gold: pd.DataFrame, steps: int | None, seed: int, encoder: Encoder, home: Path
) -> dict[str, Any]:
    """The same encoder with a linear layer, trained by transformers' own loop."""
    texts, labels = some["text"].astype(str).tolist(), some["label"].tolist()
    model = fine_tune(texts, labels, encoder.folder, home, seed, steps=steps or -1, save_every=50)
    answers = model.predict(gold["text"].astype(str).tolist())
    return {**scores(gold["label"].tolist(), answers), "s": seconds_spent(home), "mode": "full"}


def setfit(
    python: str, some: pd.DataFrame, gold: pd.DataFrame, steps: int | None, seed: int, encoder: Encoder, home: Path
) -> dict[str, Any]:
    """SetFit on the labels, in its own environment; a run that was ended goes on from its last checkpoint.

    Raises:
        subprocess.SubprocessError: it failed, or took more than `SETFIT_SECONDS`.
    """
    home.mkdir(parents=True, exist_ok=True)
    left = max(1, int(SETFIT_SECONDS - seconds_spent(home)))
    given = {"folder": str(encoder.folder), "seed": seed, "gold": gold["text"].astype(str).tolist()}
    given["steps"] = steps or -1
    given |= {"texts": some["text"].astype(str).tolist(), "labels": some["label"].tolist()}
    ended = subprocess.run(
        [python, "-c", _SETFIT, str(home.resolve())], input=json.dumps(given), text=True, check=False, cwd=home,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (left, left)),
    )  # fmt: skip
    if ended.returncode:
        done = max((int(path.name.partition("-")[2]) for path in home.glob("checkpoint-*")), default=0)
        raise subprocess.SubprocessError(
            f"after {done} batches and {seconds_spent(home):.0f} CPU seconds: status {ended.returncode}"
        )
    found = json.loads((home / "found.json").read_text())
    return {**scores(gold["label"].tolist(), found["labels"]), "s": found["s"], "mode": "contrastive"}


def lines_of(name: str, size: int, arguments: argparse.Namespace, encoder: Encoder, home: Path) -> list[list[str]]:
    """A line for each model, over the seeds."""
    train, gold = read(name, arguments.data)
    train = train.reset_index(drop=True)
    runs: dict[str, list[dict[str, Any]]] = {}
    failed: dict[str, str] = {}
    for seed in range(arguments.seeds):
        some = train.groupby("label").sample(size, random_state=seed) if size else train
        rest = [] if arguments.alone else train.drop(some.index)["text"].astype(str).tolist()
        for mode, names in product(arguments.modes, arguments.class_names):
            config = Config.model_validate({"mode": mode})
            if size == 0 and mode != "auto":
                given = {"steps": arguments.steps, "learning_rate": arguments.learning_rate, "passes": 1e6}
                given |= {"evaluations": arguments.evaluations}
                config = config.model_copy(update=given)
            key = f"{name} {size} {seed} {mode} {config.steps} {config.learning_rate} {config.evaluations}"
            key += " alone" if arguments.alone else ""
            key, way = (key, "") if names == "auto" else (f"{key} {names}", f", class_names = {names}")
            run = partial(night, some, gold, rest, config, seed, encoder, home, class_names=names)
            runs.setdefault(f"tilth, {mode}{way}", []).append(_results.kept(arguments.cells, key, run))
        for peer in arguments.peer:
            own = arguments.plain_steps or (150 if size else None)
            model, steps = (PLAIN, own) if peer == "plain" else (SETFIT, arguments.setfit_steps)
            key, kept = f"{name} {size} {seed} {peer} {steps}", home / f"{peer}_{name}_{size}_{seed}_{steps}"
            fit = plain if peer == "plain" else partial(setfit, arguments.setfit)
            run = partial(fit, some, gold, steps, seed, encoder, kept)
            model += f", {steps} batches" if steps else ""
            try:
                runs.setdefault(model, []).append(_results.kept(arguments.cells, key, run))
            except (subprocess.SubprocessError, OSError) as error:
                failed[model] = f"not run: {type(error).__name__}: {error}"[:160]
    lines = []
    for model, found in ((model, found) for model, found in runs.items() if found):
        columns = [_results.shown([run[key] for run in found]) for key in ("macro_f1", "accuracy")]
        used = "yes" if size and not arguments.alone and model.startswith("tilth") else "no"
        modes = ", ".join(sorted({run["mode"] for run in found}))
        seconds = f"{np.median([run['s'] for run in found]):.0f}"
        lines.append([name, str(size or "all"), model, used, *columns, modes, seconds])
    return lines + [[name, str(size or "all"), model, "", "", "", why, ""] for model, why in failed.items()]


def main() -> None:
    """Run, print the table, and put it into its file of results."""
    parser = _results.parser(__doc__, ["banking77:0,5,10", "clinc150:0,5,10", "sentfin:0"])
    parser.add_argument("--modes", nargs="*", default=["probe", "top", "full", "contrastive", "auto"])
    parser.add_argument("--class-names", nargs="*", default=["auto"], choices=["auto", "always", "never"])
    parser.add_argument("--alone", action="store_true", help="no texts beside the labeled ones")
    parser.add_argument("--steps", type=int, default=1000, help="of training on all labels, but by auto")
    parser.add_argument("--learning-rate", type=float, default=1e-4, help="the same")
    parser.add_argument("--evaluations", type=int, default=1, help="the same: 1 trains to the end, and stops nowhere")
    parser.add_argument("--peer", nargs="*", default=["plain"], choices=["plain", "setfit"])
    parser.add_argument("--plain-steps", type=int, help="of the plain loop, in place of four epochs")
    parser.add_argument("--setfit", default=sys.executable, help="a Python that has setfit")
    parser.add_argument("--setfit-steps", type=int, help="of SetFit, in place of all its pairs")
    parser.add_argument("--cache", type=Path, help="a folder that keeps the embeddings")
    parser.add_argument("--cells", type=Path, help="a folder that keeps each run, from which the same command goes on")
    parser.add_argument("--out", default="training_modes", help="the name of the file of results")
    arguments = parser.parse_args()
    lines: list[list[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        home = arguments.cells or Path(folder)
        home.mkdir(parents=True, exist_ok=True)
        encoder = Encoder(EncoderConfig(), Cache(arguments.cache or home / "embeddings"))
        for name, _, sizes in (entry.partition(":") for entry in arguments.sets):
            for size in sizes.split(","):
                lines += lines_of(name, int(size), arguments, encoder, home)
                print(_results.table(COLUMNS, lines), flush=True)
    _results.write(
        arguments.out,
        "# Training by mode\n\n"
        f"`python benchmarks/training_modes.py {' '.join(sys.argv[1:])}`, {_results.machine()}. Gold macro-F1 and "
        "accuracy of the fitted model with wording, in float, the median of the seeds (smallest to largest), which "
        "draw the labeled rows; CPU seconds of fitting, the vectors of the encoder as it came at hand, nothing "
        "exported. Trained: the mode that was kept. A fifth of the labels is held out of the encoder's training. With "
        "few labels, tilth's rows use the other texts without their labels.\n\n" + _results.table(COLUMNS, lines),
    )


if __name__ == "__main__":
    main()
