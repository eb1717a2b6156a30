from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tilth.augmentation.diffusion.checkpoints import load_paraphraser
from tilth.augmentation.quality.acceptability import AcceptabilityChecker
from tilth.augmentation.quality.fluency import Fluency, Nats
from tilth.augmentation.quality.grammar import RepetitionChecker
from tilth.augmentation.quality.unseen_ngrams import UnseenNgramChecker
from tilth.augmentation.quality.well_formedness import ErrorSignals, measure_well_formedness, well_formed_probability
from tilth.augmentation.selection import GateConfig

SOURCES = ["how do i change my address", "where is my new card", "how do i change my address"]
PARAPHRASES = ["can you tell me how to change my address", "where my is card new", "how do i my address"]


def signals(**known: float) -> ErrorSignals:
    names = ("worst", "unseen_fourgrams", "parse", "acceptability", "source")
    return ErrorSignals(**{name: np.array([known.get(name, 0.0)]) for name in names})


def test_what_nothing_speaks_against_is_likely_right() -> None:
    assert well_formed_probability(signals())[0] > GateConfig().readable


@pytest.mark.parametrize("name", ["worst", "unseen_fourgrams", "parse", "acceptability"])
def test_each_sign_speaks_against_a_text(name: str) -> None:
    found = [well_formed_probability(signals(**{name: value}))[0] for value in (0, 1, 2)]
    assert found == sorted(found, reverse=True)
    assert found[0] > found[2]


def test_a_source_that_the_denoiser_does_not_expect_speaks_against_its_paraphrases() -> None:
    values = [well_formed_probability(signals(source=nats))[0] for nats in (0, 2.5, 3.5, 4.5)]
    assert values[0] == values[1]
    # The intercept is 2.97, and each nat beyond 2.5 takes one away.
    assert values[1:] == pytest.approx([1 / (1 + np.exp(-logit)) for logit in (2.97, 1.97, 0.97)])


@pytest.mark.parametrize("name", ["worst", "acceptability"])
def test_to_be_more_expected_than_the_source_counts_only_so_far(name: str) -> None:
    values = [well_formed_probability(signals(**{name: value}))[0] for value in (0, -1, -5)]
    assert values[0] < values[1] == values[2]


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


def test_where_people_share_no_wording_what_nobody_wrote_is_not_called_readable() -> None:
    """Read one by one, of 130 such paraphrases of the demo's e-mails that were called readable before, 8 were."""
    inbox = [
        "Has the mast on the water tower been taken down?",
        "Is there some fee for taking you with me to a new flat",
    ]
    written = "Is there a fee if you pay me in the new flat"
    fluency, lenient = shipped(), GateConfig(fluency=50, grammar=50)

    def readable(corpus: list[str]) -> float:
        checker = UnseenNgramChecker(corpus, least=0.6)
        assert not checker.informative
        return float(measure_well_formedness([inbox[1]], [written], [checker], None, fluency, lenient).readable[0])

    assert readable(inbox) < lenient.readable
    assert readable([*inbox, written]) > readable(inbox)  # the same, had somebody written it


def test_no_paraphrases_are_no_problem() -> None:
    found = measure_well_formedness([], [], [RepetitionChecker()], None, shipped(), GateConfig())
    assert found.problems.size == found.readable.size == 0


def test_what_is_beyond_its_limits_is_left_before_its_end_and_the_rest_is_exact(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fluency = shipped()
    sources, texts = [SOURCES[0]] * 3, [PARAPHRASES[0], "how do i change my penguin please today", PARAPHRASES[0]]
    base, nats = fluency.nats(sources), fluency.nats(texts)
    passes = 0
    forward = type(fluency.denoiser).forward

    def counted(self: Any, ids: Any, *others: Any) -> Any:
        nonlocal passes
        passes += len(ids)
        return forward(self, ids, *others)

    monkeypatch.setattr(type(fluency.denoiser), "forward", counted)
    free = np.full(3, np.inf)
    whole = fluency.added(sources, texts, Nats(free, free))
    np.testing.assert_allclose(whole.mean, nats.mean - base.mean, atol=0.03)
    np.testing.assert_allclose(whole.worst, nats.worst - base.worst, atol=0.1)
    all_passes, passes = passes, 0
    # The first and the third are one text: the looser of their limits settles how far it is read.
    limits = Nats(free, np.array([whole.worst[0] + 0.5, whole.worst[1] - 1, whole.worst[0] - 1]))
    some = fluency.added(sources, texts, limits)
    assert some.worst[0] == pytest.approx(whole.worst[0], abs=0.1)
    assert some.worst[1] == some.mean[1] == some.worst[2] == np.inf
    assert passes < all_passes


def test_one_that_the_denoiser_refuses_is_a_problem_whatever_it_was_left_at() -> None:
    fluency, gate = shipped(), GateConfig()
    found = measure_well_formedness(
        SOURCES[:1], ["how do i penguin my address"], [RepetitionChecker()], None, fluency, gate
    )
    assert found.problems[0] == 1
    assert np.isnan(found.readable[0])
