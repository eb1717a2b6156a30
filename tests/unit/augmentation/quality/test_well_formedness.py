from __future__ import annotations

import numpy as np
import pytest

from tilth.augmentation.diffusion.checkpoints import load_paraphraser
from tilth.augmentation.quality.acceptability import AcceptabilityChecker
from tilth.augmentation.quality.fluency import Fluency
from tilth.augmentation.quality.grammar import RepetitionChecker
from tilth.augmentation.quality.unseen_ngrams import UnseenNgramChecker
from tilth.augmentation.quality.well_formedness import ErrorSignals, measure_well_formedness, well_formed_probability
from tilth.augmentation.selection import GateConfig

SOURCES = ["how do i change my address", "where is my new card", "how do i change my address"]
PARAPHRASES = ["can you tell me how to change my address", "where my is card new", "how do i my address"]


def signals(**known: float) -> ErrorSignals:
    names = ("worst", "unseen_fourgrams", "parse", "acceptability")
    return ErrorSignals(**{name: np.array([known.get(name, 0.0)]) for name in names})


def test_what_nothing_speaks_against_is_likely_right() -> None:
    assert well_formed_probability(signals())[0] > GateConfig().readable


@pytest.mark.parametrize("name", ["worst", "unseen_fourgrams", "parse", "acceptability"])
def test_each_sign_speaks_against_a_text(name: str) -> None:
    found = [well_formed_probability(signals(**{name: value}))[0] for value in (0, 1, 2)]
    assert found == sorted(found, reverse=True)
    assert found[0] > found[2]


def shipped() -> Fluency:
    pipeline = load_paraphraser("pretrained", "confidence")
    return Fluency(pipeline.denoiser, pipeline.tokenizer)


def test_what_fails_a_checker_and_what_all_of_them_doubt_are_problems() -> None:
    fluency = shipped()
    checks = [RepetitionChecker(), AcceptabilityChecker(), UnseenNgramChecker([*SOURCES, *PARAPHRASES[:1]], least=0)]
    acceptability = AcceptabilityChecker()
    reading = measure_well_formedness(SOURCES, PARAPHRASES, checks, acceptability, fluency, GateConfig())
    found = reading.problems
    assert found[0] <= GateConfig().grammar
    assert (found[1:] > GateConfig().grammar).all()
    lenient = GateConfig(fluency=50, grammar=50, readable=0)
    whole = measure_well_formedness(SOURCES, PARAPHRASES, checks, acceptability, fluency, lenient)
    assert (whole.problems <= lenient.grammar).all()
    assert (whole.readable[0] > whole.readable[1:]).all()
    # In bfloat16, which some processors compute in, a text's figures hang a little on what it is batched with.
    assert reading.readable[0] == pytest.approx(whole.readable[0], abs=2e-3)
    doubted = measure_well_formedness(
        SOURCES[:1], PARAPHRASES[:1], checks, acceptability, fluency, GateConfig(readable=1)
    )
    assert doubted.problems[0] == found[0] + 1


def test_no_paraphrases_are_no_problem() -> None:
    found = measure_well_formedness([], [], [RepetitionChecker()], None, shipped(), GateConfig())
    assert found.problems.size == found.readable.size == 0
