"""How a paraphrase reads beside its source: each checker's word, and the probability that all of them make together.

Each checker by itself lets some mistakes pass. The weights of the probability are a logistic regression's on 320
paraphrases of clinc150 that we read one by one, 154 of them without a mistake; they tell the two apart with an AUROC of
0.84 (cross-validated, sources apart), and 200 of banking77 with 0.78. Of the latter, those that pass all that the gate
asks by its defaults read without a mistake in 86%.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tilth.augmentation.quality.acceptability import AcceptabilityChecker
from tilth.augmentation.quality.config import QualityConfig
from tilth.augmentation.quality.fluency import Fluency, Nats
from tilth.augmentation.quality.grammar import Checker, added_problems
from tilth.augmentation.quality.link_grammar import LinkGrammarChecker
from tilth.augmentation.quality.unseen_ngrams import AttestedChecker

_INTERCEPT = 2.97
_WORST, _UNATTESTED, _PARSE, _ACCEPTABILITY = -0.62, -1.5, -1.07, -0.40
_MOST_PARSE = 2  # beyond these, more says no more


@dataclass(frozen=True)
class Signs:
    """What is known of each paraphrase; every array is (texts,), 0 where a checker has no answer.

    Attributes:
        worst: Nats by which its least expected tokens are less expected than its source's.
        unattested: Its four words in a row that nobody wrote.
        parse: Link-grammar's problems beyond its source's.
        acceptability: The acceptability model's score beyond its source's; high = wrong.
    """

    worst: np.ndarray
    unattested: np.ndarray
    parse: np.ndarray
    acceptability: np.ndarray


@dataclass(frozen=True)
class Reading:
    """What all checkers say of each paraphrase; every array is (texts,).

    Attributes:
        problems: Problems beyond the source's.
        readable: The probability that it reads without a mistake, NaN where a checker alone has failed it.
    """

    problems: np.ndarray
    readable: np.ndarray


def readable(signs: Signs) -> np.ndarray:
    """The probability that each reads without a mistake (texts,)."""
    logit = (
        _INTERCEPT
        + _WORST * signs.worst
        + _UNATTESTED * np.log1p(signs.unattested)
        + _PARSE * np.clip(signs.parse, 0, _MOST_PARSE)
        + _ACCEPTABILITY * signs.acceptability
    )
    return np.asarray(1 / (1 + np.exp(-logit)))


def read(
    sources: Sequence[str],
    paraphrases: Sequence[str],
    checks: Sequence[Checker],
    critic: AcceptabilityChecker | None,
    fluency: Fluency,
    gate: QualityConfig,
) -> Reading:
    """How each paraphrase reads; `critic` is `tilth.augmentation.quality.critic`'s, if there is one.

    Its problems are each checker's beyond the source's, nats a token by the denoiser beyond what is tolerated, and one
    more where all of these together make a mistake likely. They are asked one after the other, in the order given, and
    what fails is not looked into further.
    """
    total, parse = np.zeros(len(sources)), np.zeros(len(sources))
    left, old, new = list(range(len(sources))), list(sources), list(paraphrases)
    for checker in checks:
        added = added_problems(checker, old, new)
        total[left] += added
        if isinstance(checker, LinkGrammarChecker):
            parse[left] = added
        left = np.flatnonzero(total <= gate.grammar).tolist()
        old, new = ([texts[k] for k in left] for texts in (sources, paraphrases))
    change = _beyond(old, new, fluency)
    total[left] += np.maximum(0.0, change.mean - gate.fluency)
    nothing = np.zeros(len(left))
    attested = next((checker for checker in checks if isinstance(checker, AttestedChecker)), None)
    signs = Signs(
        worst=change.worst,
        unattested=np.nan_to_num(attested.fours(new)) if attested else nothing,
        parse=parse[left],
        acceptability=critic.change(old, new) if critic else nothing,
    )
    chance = np.full(len(total), np.nan)
    chance[left] = readable(signs)
    total[left] += (total[left] <= gate.grammar) & (chance[left] < gate.readable)
    return Reading(total, chance)


def _beyond(sources: Sequence[str], paraphrases: Sequence[str], fluency: Fluency) -> Nats:
    """The denoiser's nats above the source's, 0 where one of the two is unknown (texts,)."""
    distinct = sorted({*sources, *paraphrases})
    found = fluency.nats(distinct)
    place = {text: number for number, text in enumerate(distinct)}
    old, new = ([place[text] for text in texts] for texts in (sources, paraphrases))
    return Nats(*(np.nan_to_num(one[new] - one[old]) for one in (found.mean, found.worst)))
