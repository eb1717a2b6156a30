from __future__ import annotations

import numpy as np
import pytest

from tilth.text import clean, digest, escape_formula, fold_of, normal_form, unescape_formula, unit_interval


def test_cleaning_keeps_the_words_and_drops_what_no_one_typed() -> None:
    assert clean("\x00 a\x07b\n\tc \x7f") == "ab\n\tc"
    assert clean("e\u0301") == "\u00e9"
    assert clean(clean(" \u1e0b\u0323 ")) == clean(" \u1e0b\u0323 ")


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ('=HYPERLINK("http://a")', '\'=HYPERLINK("http://a")'),
        ("-5 degrees", "'-5 degrees"),
        ("+49 30 1234", "'+49 30 1234"),
        ("@home", "'@home"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("'=1", "''=1"),
        ("''=1", "'''=1"),
        ("'tis a card", "'tis a card"),
        ("a = 1", "a = 1"),
        ("", ""),
        ("'", "'"),
    ],
)
def test_a_formula_is_made_harmless_on_the_way_out_and_comes_back_as_it_was(cell: str, written: str) -> None:
    assert escape_formula(cell) == written
    assert unescape_formula(written) == cell


def test_the_normal_form_is_equal_for_what_a_reader_would_call_the_same() -> None:
    assert normal_form("STRASSE_42!") == normal_form("stra\u00dfe 42") == "strasse 42"
    assert normal_form("?!... ") == ""
    assert normal_form("\u0434\u0430, \u041d\u0415\u0422") == "\u0434\u0430 \u043d\u0435\u0442"


def test_a_digest_tells_texts_apart_and_takes_broken_ones() -> None:
    assert digest("a") == digest("a") != digest("a ")
    assert len(digest("a")) == 32
    assert digest("\ud800") != digest("\ud801")


def test_ids_are_spread_evenly_over_the_interval_and_the_folds() -> None:
    spread = np.array([unit_interval(str(i)) for i in range(5000)])
    assert spread.min() >= 0
    assert spread.max() < 1
    assert np.abs(np.histogram(spread, bins=10, range=(0, 1))[0] / 5000 - 0.1).max() < 0.02
    assert np.abs(np.bincount([fold_of(str(i), 5) for i in range(5000)]) / 5000 - 0.2).max() < 0.02


def test_a_fold_is_no_function_of_the_hold_out() -> None:
    """The rows that a hold-out by `unit_interval(id)` leaves must still fill every fold evenly."""
    left = [str(i) for i in range(5000) if unit_interval(str(i)) >= 0.5]
    assert np.abs(np.bincount([fold_of(i, 5) for i in left]) / len(left) - 0.2).max() < 0.03


@pytest.mark.parametrize(
    ("one", "other"), [("C++ help", "C# help"), ("पिता को भेजो", "पोता को भेजो"), ("great 😀", "great 😡")]
)
def test_what_a_reader_tells_apart_has_forms_of_its_own(one: str, other: str) -> None:
    assert normal_form(one) != normal_form(other)
