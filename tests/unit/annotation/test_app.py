"""The page as its script and as strangers see it: what is handed out, what is stored, and who is kept out."""

from __future__ import annotations

import io
import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.unit.annotation.night import AREA, INTENT, LONG, MARKUP, RTL, TOKEN, Page, make_night
from tilth import samples as table
from tilth import store
from tilth.annotation.guard import MOST_BYTES
from tilth.store import digest
from tilth.store.answers import Answer

LABEL = {"task": "intent", "verdict": "label", "label": "slow"}


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    page = Page(tmp_path)
    with page.answers:
        yield page


def test_an_answer_is_stored_with_its_parent_and_with_what_was_shown(page: Page) -> None:
    assert page.next() == ["r0"]
    told = page.answer("r0", "slow", seconds=2.0, note="sure")
    assert page.stored() == {("r0", "intent", "slow"), ("r0", "area", "internet")}
    line = next(one for one in page.answers.history("r0") if one["task"] == "intent")
    assert (line["who"], line["note"]) == ("ann", "sure")
    wanted = {"run": "20260101-020000", "given": "bill", "suspect": True, "detector": "suspect", "asked_as": "slow"}
    assert wanted.items() <= line["shown"].items()
    assert told["gain"] == {"changed": 1}  # of "bill"; its area is not counted a second time
    assert (told["left"], told["total"], told["mine"], told["pace"]) == (7, 8, 1, 30.0)


def test_the_same_act_sent_twice_is_stored_once(page: Page) -> None:
    page.answer("r0", "slow")
    page.answer("r0", "slow")
    assert len(page.answers) == 2


def test_keys_are_the_likeliest_labels_first_then_whatever_else_speaks_then_siblings(page: Page) -> None:
    (row,) = page.post("/api/next", {"count": 1})["rows"]
    assert [one["label"] for one in row["likeliest"]["intent"]] == ["slow", "down", "bill", "refund"]
    assert row["likeliest"]["intent"][0] == {"label": "slow", "under": "internet", "probability": 0.83}
    assert row["reason"] == 'The given intent "bill" looks wrong'
    assert list(row["likeliest"]) == ["intent"]  # the parent is answered in the same step


def test_a_group_of_near_copies_is_answered_at_once(page: Page) -> None:
    item = page.post("/api/take", {"row_id": "r5"})
    assert item["copies"] == [{"id": "r6", "text": "wheres my refund"}]
    page.answer("r5", "refund", copies=True)
    assert {("r5", "intent", "refund"), ("r6", "intent", "refund"), ("r6", "area", "money")} <= page.stored()
    shown = next(one for one in page.answers.history("r6") if one["task"] == "intent")["shown"]
    assert shown["answered_for"] == "r5"
    assert page.post("/api/undo", {})["withdrawn"] == ["refund", "money"]
    assert page.stored() == set()
    page.answer("r5", "bill", copies=False)
    assert page.stored() == {("r5", "intent", "bill"), ("r5", "area", "money")}


def test_undo_gives_the_row_back_and_what_was_said_before(page: Page) -> None:
    page.next()
    page.answer("r0", "slow")
    page.answer("r0", "down")
    assert ("r0", "intent", "down") in page.stored()
    told = page.post("/api/undo", {})
    assert told["item"]["id"] == "r0"
    assert ("r0", "intent", "slow") in page.stored()
    assert told["gain"] == {"changed": 1}
    assert page.post("/api/undo", {})["left"] == 8
    assert page.stored() == set()
    assert page.next() == ["r0"]
    assert page.post("/api/undo", {}, status=422)["error"] == "ann has nothing to undo"


@pytest.mark.parametrize("verdict", ["none_of_these", "unclear"])
def test_a_verdict_on_a_child_holds_for_its_parent(page: Page, verdict: str) -> None:
    page.answer("r0", {"task": "intent", "verdict": verdict})
    assert page.stored() == {("r0", "intent", verdict), ("r0", "area", verdict)}


def test_a_parent_alone_may_be_known(page: Page) -> None:
    page.answer(
        "r0",
        {"task": "intent", "verdict": "none_of_these"},
        {"task": "area", "verdict": "label", "label": "internet"},
    )
    assert page.stored() == {("r0", "intent", "none_of_these"), ("r0", "area", "internet")}


def test_junk_and_wrong_paraphrases_are_about_the_text(page: Page) -> None:
    page.answer("r1", {"verdict": "junk"})
    item = page.post("/api/take", {"row_id": "p0"})
    assert item["paraphrase"]
    assert item["parent"] == {"id": "r0", "text": "my line is slow"}
    page.answer("p0", {"verdict": "wrong_paraphrase"})
    assert page.stored() == {("r1", "", "junk"), ("p0", "", "wrong_paraphrase")}
    assert page.answers.history("p0")[0]["shown"]["parent_id"] == "r0"


def test_what_is_unclear_to_one_is_asked_of_another(page: Page) -> None:
    page.answer("r0", {"task": "intent", "verdict": "unclear"})
    assert page.next() == ["r1"]
    assert page.next(who="ben") == ["r0"]


def test_an_act_sent_again_is_counted_once(page: Page) -> None:
    for _ in range(2):
        told = page.answer("r0", {"task": "intent", "verdict": "unclear"}, seconds=2.0)
    assert (told["mine"], told["pace"]) == (1, 30.0)
    page.answer("r0", "slow", who="ben")
    assert page.desk._people["r0"] == 2  # whoever found it unclear, and one more
    assert page.post("/api/undo", {})["mine"] == 0


def test_undo_asks_again_what_others_found_unclear(page: Page) -> None:
    page.answer("r0", {"task": "intent", "verdict": "unclear"})
    assert page.answer("r0", "slow", who="ben")["left"] == 7
    assert page.post("/api/undo", {}, who="ben")["left"] == 8
    page.answer("r0", "down", who="ben")
    assert page.post("/api/undo", {}, who="ann")["left"] == 7  # ben's answer stands


def test_undo_asks_again_what_was_answered_before_its_text_changed(page: Page) -> None:
    page.answers.add([Answer(row_id="r0", text="an older text", task="intent", label="down")], "ben")
    page.answer("r0", "slow")
    assert page.post("/api/undo", {})["left"] == 8


def test_a_skipped_row_comes_last_and_is_free_for_others(page: Page) -> None:
    assert page.next() == ["r0"]
    page.post("/api/skip", {"row_id": "r0"})
    assert page.next(who="ben") == ["r0"]
    page.post("/api/skip", {"row_id": "r0"}, who="ben")
    rest = page.next(count=20)
    assert rest[-1] == "r0"
    assert len(rest) == 8


def test_two_people_never_have_one_row(page: Page) -> None:
    assert page.next(count=3) == ["r0", "r1", "r2"]
    assert page.next(count=3, who="ben") == ["r3", "r4", "r5"]
    assert page.next(count=1, held=("r0", "r1", "r2")) == ["r7"]
    assert page.post("/api/take", {"row_id": "r3"})["held"]
    assert not page.post("/api/take", {"row_id": "r6"})["held"]


def test_what_was_answered_before_is_not_asked_after_a_restart(page: Page, tmp_path: Path) -> None:
    page.answer("r0", "slow")
    page.answer("r1", {"task": "intent", "verdict": "unclear"})
    page.post("/api/skip", {"row_id": "r2"})
    again = Page(tmp_path, page.run)
    with again.answers:
        told = again.get("/api/start")
        assert (told["left"], told["gain"], told["mine"]) == (7, {"changed": 1, "unclear": 1}, 2)
        assert again.next() == ["r2"]
        assert again.next(who="ben") == ["r1"]


def test_many_people_at_once_share_the_queue_and_lose_nothing(tmp_path: Path) -> None:
    page = Page(tmp_path, make_night(tmp_path, [f"row {number}" for number in range(120)]))
    asked: Counter[str] = Counter()

    def work(who: str) -> None:
        while rows := page.desk.next(who, 2):
            for row in rows:
                asked[row["id"]] += 1
                body = {"step": f"{who}-{row['id']}-step", "row_id": row["id"], "verdicts": [LABEL]}
                page.post("/api/answer", body, who=who)

    people = [threading.Thread(target=work, args=(f"person {number}",)) for number in range(8)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert set(asked.values()) == {1}
    assert len(asked) == 119  # row 6 is never asked: row 5 would stand for it
    assert len({row for row, _, _ in page.stored()}) == 119
    page.answers.close()


def test_texts_come_as_they_are_and_the_page_holds_none_of_them(page: Page) -> None:
    texts = {row["id"]: row["text"] for row in page.post("/api/next", {"count": 20})["rows"]}
    assert (texts["r1"], texts["r2"], texts["r3"]) == (MARKUP, RTL, LONG)
    assert "alert(" not in page.opened.text
    assert page.opened.headers["content-security-policy"].startswith("default-src 'self'; ")


def test_a_name_of_an_annotator_is_escaped(page: Page) -> None:
    body = {"step": "12345678", "row_id": "r0", "verdicts": [LABEL]}
    page.post("/api/answer", body, who="J%C3%BCrgen%20%3Cb%3E")
    assert page.answers.people() == {"Jürgen <b>": 2}


def test_evidence_says_what_speaks_for_each_label(page: Page) -> None:
    found = page.get("/api/evidence", id="r5")
    assert found["tasks"]["intent"]["speaks"] == {"bill": ["functions together 90%"]}
    assert page.get("/api/evidence", id="r0")["tasks"]["intent"]["speaks"]["bill"] == ["given"]
    page.answer("r5", "refund")
    answers = page.get("/api/evidence", id="r5")["answers"]
    assert [(one["who"], one["task"], one["label"]) for one in answers] == [
        ("ann", "area", "money"),
        ("ann", "intent", "refund"),
    ]


def test_any_row_is_found_and_answered(page: Page) -> None:
    found = page.get("/api/search", q="WHERES my refund")
    assert [row["id"] for row in found["rows"]] == ["r6"]
    assert page.get("/api/search", q="r7")["rows"][0]["text"] == "no internet"
    page.answer("r6", "refund")  # which the queue asks only by way of r5
    assert ("r6", "intent", "refund") in page.stored()


def test_the_list_says_what_is_answered(page: Page) -> None:
    page.answer("r0", "slow")
    found = page.get("/api/queue", start=0, count=2)
    assert found["total"] == 8
    assert [(row["id"], row["open"], row["suggested"]) for row in found["rows"]] == [
        ("r0", False, "slow"),
        ("r1", True, "slow"),
    ]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"row_id": "r99", "verdicts": [LABEL]}, 'no row "r99"'),
        ({"row_id": "../../etc/passwd", "verdicts": [LABEL]}, "no row"),
        ({"row_id": "r0", "verdicts": []}, "verdicts"),
        ({"row_id": "r0", "verdicts": [{**LABEL, "label": "slwo"}]}, 'did you mean "slow"?'),
        ({"row_id": "r0", "verdicts": [{**LABEL, "label": None}]}, "is no class"),
        ({"row_id": "r0", "verdicts": [{**LABEL, "task": "intnet"}]}, 'did you mean "intent"?'),
        ({"row_id": "r0", "verdicts": [{**LABEL, "verdict": "perhaps"}]}, "verdict"),
        ({"row_id": "r0", "verdicts": [LABEL, LABEL]}, "answered twice"),
        ({"row_id": "r0", "verdicts": [LABEL, {"verdict": "junk"}]}, "send it alone"),
        ({"row_id": "r0", "verdicts": [{"verdict": "wrong_paraphrase"}]}, "no paraphrase"),
        (
            {"row_id": "r0", "verdicts": [LABEL, {"task": "area", "verdict": "label", "label": "money"}]},
            'stands under area "internet"',
        ),
        ({"row_id": "r0", "verdicts": [LABEL], "run": "x"}, "Extra inputs"),
        ({"row_id": "r0", "verdicts": [LABEL], "seconds": -1}, "seconds"),
        ([1, 2], "cannot be read"),
    ],
)
def test_a_wrong_answer_is_refused_in_words_and_nothing_is_stored(page: Page, body: Any, named: str) -> None:
    sent = {"step": "12345678", **body} if isinstance(body, dict) else body
    assert named in page.post("/api/answer", sent, status=422)["error"]
    assert len(page.answers) == 0


def test_a_body_that_is_no_json_or_too_large_is_refused(page: Page) -> None:
    bad = page.client.post("/api/answer", content=b"{", headers={"Content-Type": "application/json"})
    assert bad.status_code == 422
    large = page.client.post(
        "/api/answer", content=b" " * (MOST_BYTES + 1), headers={"Content-Type": "application/json"}
    )
    assert large.status_code == 413
    form = page.client.post("/api/undo", content=json.dumps({}), headers={"Content-Type": "text/plain"})
    assert form.status_code == 415
    chunked = page.client.post(
        "/api/undo", content=iter([b"{}"]), headers={"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    )
    assert chunked.status_code == 411


@pytest.mark.parametrize("path", ["/", "/label.js", "/api/start", "/api/evidence?id=r0", "/?token=wrong", "/?token="])
def test_without_the_token_nothing_is_answered(page: Page, path: str) -> None:
    page.client.cookies.clear()
    found = page.client.get(path)
    assert found.status_code == 403
    assert "the address that tilth label printed" in found.text


def test_the_token_opens_the_page_alone_and_a_cookie_the_rest(page: Page) -> None:
    cookie = page.opened.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert page.client.get("/api/start").status_code == 200
    page.client.cookies.clear()
    assert page.client.get("/api/start", params={"token": TOKEN}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example:8000"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "["},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:9000"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_origin_or_another_name_of_this_machine_is_refused(page: Page, headers: dict[str, str]) -> None:
    assert page.client.post("/api/undo", json={}, headers=headers).status_code == 403
    own = {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}
    assert page.client.post("/api/next", json={"count": 1}, headers=own).status_code == 200


@pytest.mark.parametrize("path", ["/..%2f..%2ftilth.toml", "/%2e%2e/tilth.toml", "/page.html.j2", "/api/none"])
def test_no_path_leads_to_another_file(page: Page, path: str) -> None:
    assert page.client.get(path).status_code == 404


def test_own_files_are_served_as_what_they_are(page: Page) -> None:
    for name, kind in (("label.js", "text/javascript"), ("label.css", "text/css"), ("label.svg", "image/svg+xml")):
        found = page.client.get(f"/{name}")
        assert found.headers["content-type"].startswith(kind)
        assert found.headers["x-content-type-options"] == "nosniff"
        assert "innerHTML" not in found.text


def test_a_row_shows_its_picture_and_a_stranger_sees_none(tmp_path: Path) -> None:
    Image.new("RGB", (1200, 600), "red").save(tmp_path / "a.png")
    run = make_night(tmp_path)
    store.write_json(run.path / "run.json", {**run.record, "workspace": {"root": str(tmp_path)}})
    path = run.path / "4-active_learning.parquet"
    frame = table.to_pandas(store.read_table(path))
    frame["picture_path"] = ["a.png", "gone.png", *[None] * (len(frame) - 2)]
    frame["picture_digest"] = [digest((tmp_path / "a.png").read_bytes()), "x", *[None] * (len(frame) - 2)]
    store.write_table(path, table.from_pandas(frame, [AREA, INTENT]))
    page = Page(tmp_path, run)
    with page.answers:
        assert [page.post("/api/take", {"row_id": row})["picture"] for row in ("r0", "r1", "r2")] == [True, True, False]
        found = page.client.get("/api/picture", params={"id": "r0"})
        assert found.headers["content-type"] == "image/jpeg"
        with Image.open(io.BytesIO(found.content)) as shown:
            assert shown.size == (480, 240)
        for row in ("r1", "r2", "nobody"):
            assert page.client.get("/api/picture", params={"id": row}).status_code == 404
        page.client.cookies.clear()
        assert page.client.get("/api/picture", params={"id": "r0"}).status_code == 403
