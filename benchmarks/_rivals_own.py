"""The ways that run in tilth's own environment: tilth itself, and the libraries that it builds on."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
from _rivals_peers import Model, read, size_of

WORKSPACE = """[data]
input = ["rows.csv"]
gold = "gold.csv"
text = "text"

[[tasks]]
name = "label"
"""


def tilth_run(folder: Path, seed: int) -> Model:
    """A night by the command line with its defaults, and an empty cache."""
    return _night(folder, seed, ["--input", "rows.csv", "--gold", "gold.csv", "--label", "label"])


def tilth_full(folder: Path, seed: int) -> Model:
    """The same, but that the exported model is not made smaller."""
    request = ["--input", "rows.csv", "--gold", "gold.csv", "--label", "label", "--set", "training.contract=false"]
    return _night(folder, seed, request)


def tilth_with_rules(folder: Path, seed: int) -> Model:
    """The same in a workspace that holds the rules as labeling functions."""
    from _rivals_data import RULES

    functions = folder / "labeling_functions"
    functions.mkdir()
    (functions / "rules.py").write_text(RULES, encoding="utf-8")
    (functions / "rule.txt").write_bytes((folder / "rule.txt").read_bytes())
    (folder / "tilth.toml").write_text(WORKSPACE, encoding="utf-8")
    return _night(folder, seed, [])


def _night(folder: Path, seed: int, request: list[str]) -> Model:
    from tilth import Predictor

    command = [sys.executable, "-m", "tilth.cli", "run", *request, "--out", "runs", "--seed", str(seed), "--json"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"tilth run ended with status {done.returncode}")
    (folder / "run.json").write_text(done.stdout, encoding="utf-8")
    record = json.loads(done.stdout)
    model = folder / "runs" / record["run_id"] / "model"
    predictor = Predictor.load(model)
    said = {"run_json_macro_f1": float(record["gold"]["label"]["macro_f1"])}
    said |= {f"{one['name']}_seconds": float(one["seconds"]) for one in record["stages"]}
    training = next(one["metrics"] for one in record["stages"] if one["name"] == "training")
    if "gold" in (compressed := training.get("compression") or {}):
        said["points_lost_by_compression"] = float(compressed["gold"]["points_lost"])
    return Model(
        predict=lambda texts: [str(answer["label"]["label"]) for answer in predictor(texts)],
        size=size_of(model),
        said=said,
    )


def given_labels(folder: Path, seed: int) -> Model:
    """A linear probe on the labels as they are."""
    del seed  # nothing is drawn
    return _probed(folder, lambda train, vectors: train["label"])


def datalab(folder: Path, seed: int) -> Model:
    """What cleanlab's Datalab flags is dropped, and the same probe fitted to the rest."""
    from cleanlab import Datalab
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    from tilth.learn import new_probe

    def labels(train: pd.DataFrame, vectors: np.ndarray) -> pd.Series:
        folds = StratifiedKFold(5, shuffle=True, random_state=seed)
        probabilities = cross_val_predict(new_probe(), vectors, train["label"], cv=folds, method="predict_proba")
        lab = Datalab(data={"label": train["label"].tolist()}, label_name="label", verbosity=0)
        lab.find_issues(pred_probs=probabilities, features=vectors, issue_types={"label": {}})
        return train["label"].mask(lab.get_issues("label")["is_label_issue"].to_numpy())

    return _probed(folder, labels)


def clean_learning(folder: Path, seed: int) -> Model:
    """Cleanlab's CleanLearning around the same probe, which prunes and fits by itself."""
    from cleanlab.classification import CleanLearning

    from tilth.learn import new_probe

    def labels(train: pd.DataFrame, vectors: np.ndarray) -> pd.Series:
        codes = train["label"].astype("category").cat.codes.to_numpy()
        found = CleanLearning(new_probe(), cv_n_folds=5, seed=seed).find_label_issues(vectors, codes)
        return train["label"].mask(found["is_label_issue"].to_numpy())

    return _probed(folder, labels)


def audit(folder: Path, seed: int) -> Model:
    """What `tilth audit` calls a wrong label is dropped, and the same probe fitted to the rest."""
    del seed
    command = [sys.executable, "-m", "tilth.cli", "audit", "labeled.csv", "--label", "label", "--out", "audited"]
    (folder / "audited").mkdir()

    def labels(train: pd.DataFrame, vectors: np.ndarray) -> pd.Series:
        del vectors
        train.to_csv(folder / "labeled.csv", index=False)
        environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
        subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        found = pd.read_csv(folder / "audited" / "labeled-audit.csv")
        wrong = found.loc[found["finding"] == "wrong label", "row"].to_numpy(dtype=int) - 1
        return train["label"].mask(train.index.isin(wrong))

    return _probed(folder, labels)


def snorkel_rules(folder: Path, seed: int) -> Model:
    """Snorkel's label model on the rules' votes, and the same probe on what it labels; no given label is used."""
    return _by_label_model(folder, seed, with_given=False)


def snorkel_all(folder: Path, seed: int) -> Model:
    """The same, with the given labels as one labeling function more."""
    return _by_label_model(folder, seed, with_given=True)


def _by_label_model(folder: Path, seed: int, *, with_given: bool) -> Model:
    from snorkel.labeling import LabelingFunction, PandasLFApplier
    from snorkel.labeling.model import LabelModel

    names = ["ham", "spam"]

    def rule(code: int, expression: str) -> Callable[[SimpleNamespace], int]:
        compiled = re.compile(expression)
        return lambda x: code if compiled.search(x.text) else -1

    lines = (folder / "rule.txt").read_text(encoding="utf-8").splitlines()
    parts = [line.split("\t", 2) for line in lines if line.strip()]
    functions = [
        LabelingFunction(f"rule_{place}", rule(names.index(label), expression))
        for place, (label, expression, _) in enumerate(parts)
    ]
    if with_given:
        functions.append(LabelingFunction("given", lambda x: names.index(x.label) if x.label in names else -1))
    rows = pd.read_csv(folder / "rows.csv", keep_default_na=False)
    votes = PandasLFApplier(functions).apply(rows, progress_bar=False)
    model = LabelModel(cardinality=2, verbose=False)
    model.fit(votes, n_epochs=500, seed=seed, progress_bar=False)
    answers = np.where((votes >= 0).any(axis=1), model.predict(votes, tie_break_policy="abstain"), -1)
    rows["label"] = np.array([*names, None], dtype=object)[answers]
    return _probed(folder, lambda train, vectors: train["label"], rows)


def _probed(
    folder: Path, labels: Callable[[pd.DataFrame, np.ndarray], pd.Series], rows: pd.DataFrame | None = None
) -> Model:
    """The linear probe on vectors of the default encoder, of the rows that `labels` gives a label."""
    from tilth.config import EncoderConfig
    from tilth.learn import new_probe
    from tilth.learn.encoder import Encoder
    from tilth.store import Cache

    train = read(folder)[0] if rows is None else rows
    encoder = Encoder(EncoderConfig(), Cache(folder / "vectors"))
    vectors = encoder.encode(train["text"].tolist())
    found = labels(train, vectors)
    kept = found.notna().to_numpy()
    probe = new_probe().fit(vectors[kept], found[kept].astype(str).to_numpy())
    size = size_of(encoder.folder) + probe.coef_.nbytes // 2  # in float32
    said = {"kept": float(kept.sum())}
    return Model(predict=lambda texts: list(probe.predict(encoder.compute(texts))), size=size, said=said)
