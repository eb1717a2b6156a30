from __future__ import annotations

import gc
import time
from typing import Any

import numpy as np
import pytest

from tilth.augmentation.quality import link_grammar
from tilth.augmentation.quality.grammar import make_checkers
from tilth.augmentation.quality.link_grammar import MAX_WORDS, LinkGrammarChecker
from tilth.errors import ConfigError

installed = pytest.mark.skipif(link_grammar._library() is None, reason="liblink-grammar.so.5 is not installed")


@pytest.fixture(scope="module")
def checker() -> LinkGrammarChecker:
    return LinkGrammarChecker()


@installed
def test_wrong_agreement_is_found_and_rough_style_let_be(checker: LinkGrammarChecker) -> None:
    wrong = ["the children is happy", "my card not been has arrived", "why are my card declined?"]
    right = ["the children are happy", "i still have not received my card", "why was my card declined?"]
    assert (checker.problems(wrong) > 0).all()
    assert checker.problems(right).tolist() == [0, 0, 0]


@installed
def test_links_say_how_the_words_of_a_text_hang_together(checker: LinkGrammarChecker) -> None:
    assert {"S(card, has)", "D(my, card)"} <= set(checker.links("my card has not arrived yet"))
    assert "O(activate, top-up)" in checker.links("how do i activate my paypal top-up")
    assert [checker.links(text) for text in ("the the", "", "word " * (MAX_WORDS + 1))] == [[], [], []]


@installed
def test_a_text_of_which_nothing_fits_is_no_text_without_an_answer(checker: LinkGrammarChecker) -> None:
    assert (checker.problems(["the the", "and or and or", "the of to my the"]) >= 3).all()


@installed
def test_an_empty_text_and_one_too_long_have_no_answer(checker: LinkGrammarChecker) -> None:
    assert np.isnan(checker.problems(["", "word " * (MAX_WORDS + 1)])).all()


@installed
def test_odd_letters_are_no_trouble(checker: LinkGrammarChecker) -> None:
    found = checker.problems(["\U0001f642 can I pay \U0001f4b3", "\ud83d", "((((", "x" * 5000, "a/b/c " * 20])
    assert not np.isnan(found).any()


@installed
def test_a_tangled_text_stays_within_the_time_limit(checker: LinkGrammarChecker) -> None:
    tangle = (
        "up How is cash to like card! I my Something available, Am it? card watch? discount made pending. I id? "
        "there do bank you what you be this US ATMs."
    )
    assert len(tangle.split()) == MAX_WORDS
    before = time.process_time()  # the library's own clock: a busy machine takes longer
    checker.problems([tangle])
    assert time.process_time() - before < link_grammar._SECONDS + 1


@installed
def test_a_text_that_takes_too_long_has_no_answer(checker: LinkGrammarChecker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker._library, "parse_options_resources_exhausted", lambda options: 1)
    assert np.isnan(checker.problems(["the children are happy"])).all()


@installed
def test_what_the_library_holds_is_freed_with_the_checker(monkeypatch: pytest.MonkeyPatch) -> None:
    freed = list[Any]()
    monkeypatch.setattr(link_grammar, "_free", lambda *held: freed.append(held))
    one = LinkGrammarChecker()
    expected = (one._library, one._options, one._dictionary)
    del one
    gc.collect()
    assert freed == [expected]
    monkeypatch.undo()
    link_grammar._free(*expected)


@installed
def test_a_missing_dictionary_is_named_with_the_command_that_installs_it() -> None:
    with pytest.raises(ConfigError, match=r'no dictionary for "xx"; apt-get install'):
        LinkGrammarChecker("xx")


@installed
def test_auto_takes_it_where_it_is_installed() -> None:
    assert [checker.name for checker in make_checkers("auto")] == [
        "repetition",
        "harper",
        "link-grammar",
        "acceptability",
    ]
