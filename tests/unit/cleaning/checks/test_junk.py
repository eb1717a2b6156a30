"""Junk: what is found in the demo, what is found in texts that no file holds, and what is never junk."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.small_table import ROWS, TASKS, HashingEncoder, make_table
from tilth import cleaning, stage
from tilth import samples as table
from tilth.cleaning.checks.junk import kinds
from tilth.learn.shared_features import Evidence
from tilth.night.stages.console import line
from tilth.store import Cache
from tilth.text import clean

RAW = Path(__file__).resolve().parents[4] / "data" / "raw"

JUNK = {
    "wordless": [
        "<p><br/></p>", "&nbsp;&nbsp;<span></span>", "https://t.example/ab12?x=1", "www.", "scan0001.pdf",
        "[cid:logo@01]",
        "7781 0029 1", "GB29NWBK60161331926819", "!!!", "🙏🙏", "</body></html>",
        "On Mon, Jan 6, 2025 at 10:02 Ann wrote:\n> \n>",
    ],
    "residue": [
        "null", "undefined", "[object Object], [object Object]", "NaN NaN", "#REF!",
        "Hi {{name}}, your offer is waiting",
        "Dear *|FNAME|*, see what is new", "Lorem ipsum dolor sit amet, consectetur",
    ],
    "mash": [
        "qwertyuiop", "asdf asdf asdf", "lkjhgfdsa", "dfghdfgh", "sdkfjhskdjfh", "zxcvbnm,./", "poiuytrewq ok",
        "fghjkl;",
        "qsdfghjklm", "йцукенгшщз", "xcvbxcvb", "jkljkljkl",
    ],
    "test": [
        "Test", "this is just a test message, please ignore", "TEST 123", "testing, can anyone hear me?",
        "oops wrong thread",
        "please disregard the previous message", "prueba", "mic check testing one two three",
    ],
    "automatic": [
        "Out of office: back on 3 May", "Abwesenheitsnotiz: Ich bin bis Montag nicht im Büro.",
        "Sent from my iPad",
        "Undeliverable: your order",
        "Thank you for your email. I am on annual leave and will reply when I return.",
        "This message is confidential. If you are not the intended recipient, please delete it.",
        "Best regards, Ana Lima | Account Manager | +44 20 7946 0018", "Gesendet von Outlook für iOS",
        "This is an automated message, please do not reply to this email.",
    ],
    "bulk": [
        "Congratulations! You have won a 500 pound gift card. Click here to claim",
        "We are a leading backlinks agency, get a free quote today",
        "URGENT your number was awarded a prize, call 09061701461",
        "Dear beneficiary, an investment opportunity waits for you",
        "We manufacture steel bolts for your company, reply YES",
        "Business loans up to £50,000, no credit check, limited time offer",
    ],
}  # fmt: skip

WORDS = [
    # German
    "Rechtschreibung", "Nachtschicht", "Angstschweiß", "Die Rechtschreibung im Brief war falsch", "Wert",
    "Wertsachen",
    "Ich habe Nachtschicht und brauche den Techniker erst am Nachmittag",
    "Die Landschaft ist schön, das Netz nicht",
    "Wo bleibt mein Borschtsch?", "Herbstschuhe zurückschicken", "Selbstschutz und Durchschlagskraft",
    "Gesellschaft",
    # Turkish
    "Sırtımdaki yük", "Ertesi gün internet yine gitti", "Faturamı ödeyemiyorum, yardım eder misiniz?", "kırk",
    "Türkçe",
    "Hatlarımız çekmiyor", "ertelenmiş", "Trtçılar",
    # Polish
    "Chrząszcz brzmi w trzcinie", "Szczebrzeszyn", "źdźbło", "Wstrzymywać płatność",
    "W Szczebrzeszynie nie ma zasięgu",
    "Przyślijcie mi nową kartę", "krnąbrny", "zmarszczka",
    # other languages and scripts
    "Strč prst skrz krk", "čtvrthrst", "Trg", "Llanfairpwllgwyngyll", "Dw i eisiau symud tŷ", "Hääyöaie",
    "angstskrik",
    "好", "网速太慢", "我的卡还没到", "ありがとう", "네트워크가 느려요", "ㅋㅋㅋㅋ", "السلام عليكم", "لا",
    "मेरा नेट बंद है", "है", "আমার বিল কেন বেশি?",
    "ขอบคุณครับ", "ሰላም", "Где моя карта?", "Смит", "Взгляд", "мой бодрствующий", "Ευχαριστώ", "שלום", "தமிழ்",
    "ქართული", "Հայերեն",
    # two languages in one
    "Mera recharge nahi hua, please check karo", "Der Router ist down, can you please help?",
    "Ich hab das Paket returned",
    "Yaar network bahut slow hai since Monday", "Quiero cancelar mi subscription, thanks",
    "Bro das ist mega laggy heute",
    "Müşteri hizmetlerine call back istiyorum", "Mój order jest delayed, co robić?",
    "Paketim delayed oldu, neden?",
    # English, and what looks like junk and is none
    "flash", "glass", "property", "poverty", "strewn", "shrewd", "rhythm", "typewriter", "sooooo slow", "hmmmm",
    "noooo",
    "zzzz boring", "brrrr it is cold", "pffff", "I failed my driving test", "My test results are missing",
    "test drive",
    "Sorry, I was put through to the wrong person and then cut off, can somebody call me back about it today?",
    "My wifi is down\nSent from my iPhone", "wifi down. Sent from my iPhone",
    "I am on maternity leave, how do I pay my bill?",
    "My bill is wrong. This e-mail is confidential and intended solely for the addressee.",
    "I keep getting texts that say congratulations, click here to claim a voucher. How do I stop them?",
    "Why does your site print [object] in my name?", "How do I claim my voucher?",
    "the new HDMI and VPN do not work",
    "Order 4471 is late",
    "see https://www.example.com/a/very/long/path/that/says/nothing?ref=123456789 it is broken",
    "Regards the bill: my number is 07911 123456, ask for the manager", "PUK locked", "sdk update broke it",
    "M25 mast is down",
]  # fmt: skip


@pytest.fixture(scope="module")
def beside_the_demo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """The kind of each text above, with the words of the demo around them."""
    inbox, texts = (
        pd.read_csv(RAW / "inbox.csv")["text"].tolist(),
        [*WORDS, *(one for of in JUNK.values() for one in of)],
    )
    found, _ = kinds(
        [*inbox, *texts], np.ones(len(inbox) + len(texts), dtype=bool), Cache(tmp_path_factory.mktemp("junk"))
    )
    return dict(zip(texts, found[len(inbox) :], strict=True))


def test_the_demos_junk_is_found_and_nothing_else(tmp_path: Path) -> None:
    inbox, truth = pd.read_csv(RAW / "inbox.csv"), pd.read_csv(RAW / "truth.csv").set_index("id")
    found, _ = kinds([clean(text) for text in inbox["text"]], np.ones(len(inbox), dtype=bool), Cache(tmp_path))
    junk, is_junk = np.array([kind is not None for kind in found]), inbox["id"].map(truth["kind"]).eq("junk").to_numpy()
    assert (junk & is_junk).sum() / is_junk.sum() >= 0.8
    assert (junk & is_junk).sum() / junk.sum() >= 0.9


@pytest.mark.parametrize("kind", JUNK)
def test_junk_that_no_file_holds_is_found(kind: str, beside_the_demo: dict[str, str | None]) -> None:
    assert {text: beside_the_demo[text] for text in JUNK[kind] if beside_the_demo[text] != kind} == {}


def test_words_of_any_language_are_no_junk_beside_an_english_corpus(beside_the_demo: dict[str, str | None]) -> None:
    assert {text: beside_the_demo[text] for text in WORDS if beside_the_demo[text] is not None} == {}


def test_words_of_any_language_are_no_junk_where_there_is_no_corpus(tmp_path: Path) -> None:
    alone = {text: kinds([text], np.ones(1, dtype=bool), Cache(tmp_path))[0][0] for text in WORDS}
    assert {text: found for text, found in alone.items() if found is not None} == {}


@pytest.mark.parametrize(
    "piece", ["a@", "a", "!", "<!--", "a.b", "x/", "test ", "undefined", "1 ", "&", "{{", "I am on leave "]
)
def test_no_text_takes_long(piece: str, tmp_path: Path) -> None:
    """Patterns that try every split of a long run would take minutes: 33 s for addresses without an end."""
    started = time.process_time()
    kinds([(piece * 5000)[:5000]], np.ones(1, dtype=bool), Cache(tmp_path))
    assert time.process_time() - started < 2


def cleaned(extra: list[tuple[Any, ...]], folder: Path) -> tuple[pd.DataFrame, stage.StageResult]:
    samples = make_table([*ROWS, *extra])
    (folder / "scratch").mkdir(parents=True)
    evidence = Evidence(samples, encoder=HashingEncoder(), cache=Cache(folder / "cache"))  # type: ignore[arg-type]
    resources = stage.Resources(tasks=TASKS, seed=0, evidence=evidence, scratch=folder / "scratch")
    result = stage.perform("cleaning", samples, cleaning.Config(), resources)
    return table.to_pandas(result.samples).set_index("id"), result


OFFERS = [f"Congratulations! You have won prize number {n}, click here to claim it" for n in range(6)]


def test_a_label_that_means_offers_keeps_them(tmp_path: Path) -> None:
    few = [("o1", OFFERS[0], "train", "billing", "refund"), ("o2", OFFERS[1], "unlabeled", None, None)]
    out, result = cleaned(few, tmp_path / "few")
    assert out.loc[["o1", "o2"], "reason"].tolist() == ["junk", "junk"]
    assert result.metrics["counts"]["junk"] == {"kinds": {"bulk": 2}, "kept": {}}
    labeled = [(f"o{n}", text, "train", "network", "outage") for n, text in enumerate(OFFERS[:3])]
    out, result = cleaned(labeled, tmp_path / "labeled")
    assert not out["is_junk_issue"].any()  # three of the five rows labeled outage
    assert result.metrics["counts"]["junk"] == {"kinds": {}, "kept": {"bulk": 3}}
    entry = {"name": "cleaning", "skipped": None, "rows_in": 15, "rows_out": 15, "quarantined": {}, "review": {}}
    told = line({**entry, "seconds": 1.0, "cached": False, "metrics": result.metrics})
    assert "3 bulk rows are no junk here, for there are many" in told


def test_a_corpus_of_offers_keeps_them_without_labels(tmp_path: Path) -> None:
    out, _ = cleaned([(f"o{n}", text, "unlabeled", None, None) for n, text in enumerate(OFFERS)], tmp_path)
    assert not out["is_junk_issue"].any()


def test_gold_says_nothing_of_what_is_junk(tmp_path: Path) -> None:
    gold = [(f"h{n}", text, "gold", "network", "outage") for n, text in enumerate(OFFERS)]
    out, result = cleaned([("o9", OFFERS[0].replace("0", "9"), "unlabeled", None, None), *gold], tmp_path)
    assert out.loc["o9", "reason"] == "junk"
    assert result.metrics["counts"]["junk"]["kinds"] == {"bulk": 1}
