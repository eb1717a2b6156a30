from __future__ import annotations

import json
from itertools import pairwise

import pytest

from tilth.augmentation.text.slots import find_slots, frame_json, keeps_slots, slots_by_kind


@pytest.mark.parametrize(
    ("text", "kind", "slot"),
    [
        ("it costs $1,200.50 a year", "money", "$1,200.50"),
        ("I paid 20 pounds", "money", "20 pounds"),
        ("about 5% of it", "percent", "5%"),
        ("come at 5pm", "time", "5pm"),
        ("on 3 May please", "date", "3 May"),
        ("see you friday", "date", "friday"),
        ("order AB-1234 is late", "id", "AB-1234"),
        ("my iphone12 broke", "id", "iphone12"),
        ("write to ann.lee@mail.co.uk now", "email", "ann.lee@mail.co.uk"),
        ("see https://a.b/c?d=1 for it", "url", "https://a.b/c?d=1"),
        ("ring +44 7700 900123 today", "phone", "+44 7700 900123"),
        ("it is the twenty-five of them", "number", "twenty-five"),
        ("I don't want it", "negation", "don't"),
        ("it is not mine", "negation", "not"),
        ("how do i say 'hotel' there", "quote", "'hotel'"),
        ("I met Ann Lee there", "name", "Ann Lee"),
        ("my iPhone broke", "name", "iPhone"),
        ("your {{name}} is wrong", "template", "{{name}}"),
    ],
)
def test_each_kind_is_found(text: str, kind: str, slot: str) -> None:
    assert slot in [found.text for found in find_slots(text) if found.kind == kind]


def test_the_first_word_and_shouting_are_no_names() -> None:
    assert find_slots("Where is it") == []
    assert find_slots("WHERE IS MY MONEY") == []
    assert [s.text for s in find_slots("Hi, I'm Ann")] == ["Ann"]


def test_spans_index_the_text_and_never_overlap() -> None:
    text = "On 3 May at 5:30 pm Ann didn't pay $20 for AB-12"
    found = find_slots(text)
    assert all(text[slot.start : slot.end] == slot.text for slot in found)
    assert all(one.end <= two.start for one, two in pairwise(found))


@pytest.mark.parametrize(
    ("source", "text", "kept"),
    [
        ("pay $20 to Ann", "Ann should get $20", True),
        ("pay $20", "pay $30", False),
        ("pay $20", "pay $20 and $20", False),
        ("it is not here", "it isn't here", True),
        ("it is not here", "it is here", False),
        ("it is here", "it is not here", False),
        ("call Bob", "call him", False),
    ],
)
def test_slots_are_kept_or_not(source: str, text: str, kept: bool) -> None:
    source = source.replace("call Bob", "please call Bob")
    assert keeps_slots(source, text) is kept


def test_a_frame_can_be_read() -> None:
    assert json.loads(frame_json("pay me", ["pay"], ["O(pay, me)"]))["links"] == ["O(pay, me)"]
    assert json.loads(frame_json("not before 5pm", ["before"])) == {
        "slots": {"time": ["5pm"], "negation": ["not"]},
        "content": ["before"],
    }


def test_odd_texts_have_no_slots() -> None:
    assert slots_by_kind("") == slots_by_kind("😀😀") == slots_by_kind("где мои деньги") == {}
