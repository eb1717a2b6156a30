from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from pydantic import ValidationError

from tilth.augmentation.config import Config
from tilth.augmentation.quality import link_grammar
from tilth.augmentation.quality.grammar import HarperChecker, RepetitionChecker, added_problems, make_checkers
from tilth.errors import ConfigError


class Fixed:
    name = "fixed"

    def problems(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([{"rough": 2.0, "same": 2.0, "worse": 5.0, "fine": 0.0}.get(t, np.nan) for t in texts])


def test_only_what_a_paraphrase_adds_counts() -> None:
    sources = ["rough", "rough", "rough", "rough"]
    assert added_problems(Fixed(), sources, ["same", "worse", "fine", "who knows"]).tolist() == [0, 3, 0, 0]


def test_repetition() -> None:
    texts = [
        "pay the the bill",
        "the bill of the bill",
        "is it the card, the new one",
        "",
        "my card,. how",
        "etc., so: a",
    ]
    assert RepetitionChecker().problems(texts).tolist() == [1, 1, 0, 0, 1, 0]


def test_harper_finds_a_wrong_article_and_lets_rough_style_be() -> None:
    found = HarperChecker().problems(["can you find an good bank", "can i pay my bill", ""])
    assert found.tolist() == [1, 0, 0]


def test_a_missing_library_is_left_out_unless_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_grammar, "_library", lambda: None)
    with pytest.raises(ConfigError, match="apt-get install liblink-grammar5"):
        make_checkers("link-grammar")
    assert [checker.name for checker in make_checkers("auto")] == ["repetition", "harper", "acceptability"]


def test_the_words_that_name_no_library() -> None:
    assert [checker.name for checker in make_checkers("harper")] == ["repetition", "harper"]
    assert [checker.name for checker in make_checkers("denoiser")] == ["repetition"]
    with pytest.raises(ConfigError, match="grammar_server"):
        make_checkers("languagetool")


@pytest.mark.parametrize(
    "address", ["127.0.0.1:8081", "ftp://127.0.0.1", "file:///etc/passwd", "http://", "http://a?b"]
)
def test_a_server_must_be_an_http_address(address: str) -> None:
    with pytest.raises(ValidationError, match="must be the address of a LanguageTool server"):
        Config(grammar_server=address)


def test_languagetool_needs_an_address() -> None:
    with pytest.raises(ValidationError, match='grammar = "languagetool" needs grammar_server'):
        Config(grammar="languagetool")
    assert Config(grammar="languagetool", grammar_server="https://lt.example.org/api").grammar == "languagetool"
