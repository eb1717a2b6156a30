"""How likely a row asks for nothing that a class could name: by phrases that any inbox gets, and by what people said.

A greeting, thanks, a bare "yes", a call for a person: cleaning keeps such rows, for they are made of words. Nothing
labeled is like them, so that they would be asked first, and there is nothing to answer.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.metrics import pairwise_distances_argmin_min

from tilth import samples as table
from tilth.active_learning.queue.candidates import askable
from tilth.learn import Evidence
from tilth.samples import Reason, Task

PHRASES = (
    *("hello", "hi", "hey there", "good morning", "good evening", "how are you"),
    *("hello is anyone there", "is anybody there", "can you help me", "i have a question"),
    *("thanks", "ok thanks", "thank you very much", "thank you goodbye", "bye", "see you later"),
    *("yes", "yes please", "ok", "okay great", "sure", "no", "no thanks", "nothing else thanks"),
    *("never mind", "it's sorted now thanks"),
    *("are you a bot", "is this a robot", "am i talking to a real person"),
    *("human", "agent please", "talk to a human", "i want to speak to a real person", "connect me to an agent"),
)
"""The intents that a chat bot is begun with: greet, goodbye, affirm, deny, bot challenge (Rasa's starter project), and
the hand-over to a person. An encoder of several languages finds them in all of these; the default one reads English."""
_ALIKE = 0.55
"""Cosine from which a text is like a phrase, or like an answered row. Of the texts of banking77 none comes to 0.5."""
_POWER = 8
"""A row is as likely of the one kind as that kind's nearest example has of both nearest cosines, to this power."""
_MEANT = 0.2
"""Share of a class's sure rows, from which such texts are what the class means (a class "greeting")."""


def small_talk_probability(frame: pd.DataFrame, task: Task, evidence: Evidence) -> np.ndarray:
    """Probability that a row asks for nothing, shape (rows,); 0 where a row with a sure label is as like it.

    The examples are `PHRASES`, unless some class is of such texts, and the rows that people called junk or "none of
    these". Where no row has a sure label, nothing shows which texts the classes are of, and nothing is held back.

    Args:
        frame: the table.
        task: the one that rows are asked for.
        evidence: of the same table.
    """
    result = np.zeros(len(frame))
    sure = table.settled_by_any(frame, task.name)
    has_text = frame["text"].ne("").to_numpy(dtype=bool)
    asked = np.flatnonzero(askable(frame) & ~sure & has_text)
    if not sure.any() or not len(asked):
        return result
    vectors = evidence.embeddings()
    phrases = evidence.encoder.encode(list(PHRASES))
    refused = vectors[_refused(frame, task) & has_text]
    is_meant = _is_meant(_cosine(vectors[sure], phrases), task.codes(frame[task.name])[sure])
    examples = refused if is_meant else np.concatenate([phrases, refused])
    if not len(examples):
        return result
    like = _cosine(vectors[asked], examples)
    asked, like = asked[like >= _ALIKE], like[like >= _ALIKE]
    labeled = np.maximum(_cosine(vectors[asked], vectors[sure]), 0)
    result[asked] = np.where(like > labeled, like**_POWER / (like**_POWER + labeled**_POWER), 0)
    return result


def _refused(frame: pd.DataFrame, task: Task) -> np.ndarray:
    """Rows that people called junk, or of which they said that no class fits, boolean, shape (rows,)."""
    refused = frame["reason"].eq(Reason.ANSWERED_JUNK)
    if f"{task.name}_none" in frame:
        refused |= frame[f"{task.name}_none"].eq(True)
    return np.asarray(refused.to_numpy(dtype=bool) & frame["split"].ne(table.Split.GOLD).to_numpy(dtype=bool))


def _is_meant(like: np.ndarray, codes: np.ndarray) -> bool:
    """Whether such texts are what some class is about.

    Args:
        like: cosine of each sure row to its nearest phrase, shape (rows,).
        codes: of their labels, shape (rows,).
    """
    of_class, alike = np.bincount(codes), np.bincount(codes, weights=like >= _ALIKE)
    return bool((alike > _MEANT * of_class).any())


def _cosine(vectors: np.ndarray, examples: np.ndarray) -> np.ndarray:
    """Of each row and its nearest example, shape (rows,)."""
    if not len(vectors):
        return np.zeros(0)
    _, distance = pairwise_distances_argmin_min(vectors, examples)
    return np.asarray(1 - distance**2 / 2)
