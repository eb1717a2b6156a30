"""The request that a large model gets, and what is taken from its answer."""

from __future__ import annotations

import pytest

from tilth.augmentation.llm.prompt import has_free_words, paraphrase_prompt, read_answer


def test_a_prompt_names_each_slot_once_as_it_is_written_and_negations_apart() -> None:
    prompt = paraphrase_prompt("I didn't pay $20 on 3 May\nto Ann Lee", 0.7, ["pay", "fee"])
    lines = prompt.splitlines()
    assert next(line for line in lines if "Copy" in line).endswith(': "$20", "3 May", "Ann Lee".')
    assert [line for line in lines if "negations" in line] == ['Keep exactly as many negations as it has: "didn\'t".']
    assert [line for line in lines if "keep these" in line] == ['If possible, keep these words: "pay", "fee".']
    assert lines[-1] == "<message>I didn't pay $20 on 3 May to Ann Lee</message>"


def test_a_prompt_without_slots_or_words_to_keep_has_no_rule_about_them() -> None:
    prompt = paraphrase_prompt("where is my card", 0.7)
    assert not any(word in prompt for word in ("Copy", "negations", "keep these"))


def test_the_higher_the_noise_level_the_freer_the_rewording() -> None:
    asked = [paraphrase_prompt("where is my card", level).splitlines()[1] for level in (0.3, 0.5, 0.7, 0.85, 1.0)]
    assert asked[0] == asked[1] == "Keep most of its wording: change a few words, or their order."
    assert asked[2] == "Change about half of its words."
    assert asked[3] == "Change most of its words."
    assert asked[4].startswith("Reword it freely")


@pytest.mark.parametrize(
    "answer",
    [
        "Where is my card?",
        '"Where is my card?"',
        "\u201cWhere is my card?\u201d",
        "'Where is my card?'",
        "**Where is my card?**",
        "`Where is my card?`",
        "1. Where is my card?",
        "2) Where is my card?",
        "(3) Where is my card?",
        "- Where is my card?",
        '1. "Where is my card?"',
        '"1. Where is my card?"',
        "Paraphrase: Where is my card?",
        "Paraphrase 1: Where is my card?",
        "Rewritten message: Where is my card?",
        'Answer: "Where is my card?"',
        "**Rewritten message:** Where is my card?",
        "<message>Where is my card?</message>",
        "Sure! Here is the rewritten message:\n\nWhere is my card?",
        "Here's a paraphrased version: Where is my card?",
        "\n  Where is my card?  \n\nI changed the verb.",
        "1. Where is my card?\n2. Has my card got lost?",
        "thought\nWhere is my card?",
    ],
)
def test_what_stands_around_a_paraphrase_is_dropped(answer: str) -> None:
    assert read_answer(answer, "where's that card of mine") == "Where is my card?"


@pytest.mark.parametrize(
    ("answer", "source"),
    [
        ("1. Pay the bill", "1. pay my bill"),
        ('"Yes" is what he said', 'he said "yes"'),
        ('"Yes" or "no"', 'is it "yes" or "no"'),
        ('"Gone for good"', '"lost for ever"'),
        ("3.5 GB are left", "I have 3.5 GB left"),
        ("Here is the number: 12345", "my number is 12345"),
        ("Answer: no", "Answer: never"),
        ("I paid the note's '20'", "I paid '20'"),
    ],
)
def test_what_belongs_to_a_paraphrase_stays(answer: str, source: str) -> None:
    assert read_answer(answer, source) == answer


@pytest.mark.parametrize("answer", ["", "\n \n", "Here is the rewritten message:\n", "<message></message>", '""'])
def test_an_answer_that_says_nothing_is_empty(answer: str) -> None:
    assert not read_answer(answer, "where is my card")


def test_only_slots_leave_nothing_to_reword() -> None:
    assert has_free_words("pay $20 tomorrow")
    assert not has_free_words("$20 tomorrow")
    assert not has_free_words("")
    assert not has_free_words("?! 12")
