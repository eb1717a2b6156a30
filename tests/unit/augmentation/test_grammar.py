from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tilth.augmentation import grammar
from tilth.augmentation.grammar import HarperChecker, LinkGrammarChecker, RepetitionChecker, added_problems, checkers
from tilth.errors import ConfigError


class Fixed:
    name = "fixed"

    def problems(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([{"rough": 2.0, "same": 2.0, "worse": 5.0, "fine": 0.0}.get(t, np.nan) for t in texts])


def test_only_what_a_paraphrase_adds_counts() -> None:
    sources = ["rough", "rough", "rough", "rough"]
    assert added_problems(Fixed(), sources, ["same", "worse", "fine", "who knows"]).tolist() == [0, 3, 0, 0]


def test_repetition() -> None:
    texts = ["pay the the bill", "the bill of the bill", "is it the card, the new one", ""]
    assert RepetitionChecker().problems(texts).tolist() == [1, 1, 0, 0]


def test_harper_finds_a_wrong_article_and_lets_rough_style_be() -> None:
    found = HarperChecker().problems(["can you find an good bank", "can i pay my bill", ""])
    assert found.tolist() == [1, 0, 0]


@pytest.mark.skipif(grammar._library() is None, reason="liblink-grammar.so.5 is not installed")
def test_link_grammar_finds_wrong_agreement() -> None:
    checker = LinkGrammarChecker()
    found = checker.problems(["the children is happy", "the children are happy", "", "word " * 40])
    assert found[0] > 0
    assert found[1] == 0
    assert np.isnan(found[2:]).all()
    checker.close()


def test_a_missing_library_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grammar, "_library", lambda: None)
    with pytest.raises(ConfigError, match="apt-get install liblink-grammar5"):
        checkers("link-grammar")
    assert [checker.name for checker in checkers("auto")] == ["repetition", "harper"]
    assert [checker.name for checker in checkers("denoiser")] == ["repetition"]
