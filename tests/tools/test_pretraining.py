from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from tools.pretraining import denoiser_corpora, train_denoiser
from tools.pretraining.chat_prompts import CONTEXTS, END, OPENINGS, topics
from tools.pretraining.prepared_corpora import Corpora, restore, save
from tools.pretraining.write_messages import Writer, sentences
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tilth.augmentation.diffusion.adaptation.training_data import join_examples, paired_examples, unpaired_examples
from tilth.augmentation.diffusion.adaptation.training_loop import Schedule
from tilth.augmentation.diffusion.denoiser import Denoiser

REQUESTS = ["where is my card", "where is the card of mine", "block my card", "please block the card", "what is my pin"]


@pytest.fixture
def corpora() -> Corpora:
    ids = denoiser_corpora.tokenized(REQUESTS)
    pairs = paired_examples(ids, np.array([[0, 1], [2, 3]]), np.array([0.9, 0.7]))
    known = np.unique(np.concatenate([np.array(text) for text in ids]))
    held = {"requests pairs": pairs.take(np.array([0])), "requests alone": unpaired_examples(ids, np.array([4]))}
    return Corpora(
        join_examples([pairs, unpaired_examples(ids, np.arange(4))]),
        held,
        known,
        {"requests pairs": 2, "requests alone": 4},
    )


def test_prepared_corpora_come_back_as_they_were(corpora: Corpora, tmp_path: Path) -> None:
    save(corpora, tmp_path / "examples.npz")
    again = restore(tmp_path / "examples.npz")

    assert again.train.texts == corpora.train.texts
    assert again.counts == corpora.counts
    assert list(again.heldout) == list(corpora.heldout)
    for part in ("source", "target", "fidelity", "boldness", "weight"):
        np.testing.assert_array_equal(getattr(again.train, part), getattr(corpora.train, part))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["examples.npz"]


@pytest.mark.parametrize("workers", [0, 1])
def test_pretraining_goes_on_from_its_checkpoint(
    corpora: Corpora, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setattr(train_denoiser, "LAYERS", 1)
    work, out = tmp_path / "work", tmp_path / "out"
    work.mkdir()
    how = train_denoiser.How(batch=2, workers=workers, every=2)

    train_denoiser.pretrain(corpora, work, out, Schedule(steps=2), how)
    first = json.loads((out / "training.json").read_text())
    model = train_denoiser.pretrain(corpora, work, out, Schedule(steps=5), how)
    record = json.loads((out / "training.json").read_text())

    assert (first["steps"], record["steps"]) == (2, 5)
    assert record["curve"][0] == first["curve"][0]
    assert set(record["heldout_loss"]) == {"requests pairs", "requests alone"}
    saved = Denoiser.from_pretrained(out).float()
    torch.testing.assert_close(saved.head.weight, model.head.weight, atol=0.01, rtol=0.01)


def test_corpora_are_read_with_what_is_held_out_apart(tmp_path: Path) -> None:
    folders = _folders(tmp_path)

    found = denoiser_corpora.load(folders, tmp_path)

    assert found.counts["clinc150 pairs"] == 2
    assert found.counts["paws_wiki pairs"] == 4
    assert found.counts["written alone"] + len(found.heldout["written alone"]) == 4
    held = {tuple(found.train.texts[row]) for row in found.heldout["clinc150 alone"].target}
    assert held
    assert not held & {tuple(found.train.texts[row]) for row in found.train.target}


def _folders(home: Path) -> dict[str, Path]:
    folders = {name: home / name for name in denoiser_corpora.FOLDERS}
    for folder in folders.values():
        folder.mkdir()
    table = "text,intent\n" + "".join(f"{text},card\n" for text in REQUESTS[:2])
    (folders["clinc150"] / "train.csv").write_text(table)
    (folders["clinc150"] / "valid.csv").write_text("text,intent\nhow do i order a new card for my account,card\n")
    clusters = "cluster,text\nc1,The weather is fine today.\nc1,We have good weather today.\n"
    (folders["crowdwsa2019"] / "paraphrase_clusters.csv").write_text(clusters)
    said = [[{"text": "I went to the sea with my dog today."}, {"text": "Today my dog and I went to the sea."}]]
    (folders["chitchat"] / "dataset.json").write_text(json.dumps({"a": {"messages": said}}))
    for name in ("dev", "test"):
        (folders["paws-wiki"] / f"{name}.tsv").write_text("1\tHe wrote the book .\tThe book he wrote .\t1\n")
    (folders["state-union"] / "state_union_docs.jsonl").write_text(json.dumps({"text": "We are a free people today."}))
    for part in ("noun", "verb", "adj", "adv"):
        (folders["wordnet"] / f"data.{part}").write_text('00 | a ship; "the boat sailed across the lake"\n')
    (folders["wordnet"] / "index.noun").write_text("  licence\ncard n 1\nweather n 1\nfine n 1\n")
    (folders["wordnet"] / "cntlist.rev").write_text("card%1:06:00:: 1 9\nfine%3:00:00:: 1 9\n")
    written = ["where is my parcel?", "my parcel is not here.", "can i change the date?", "who drives the bus?"]
    (folders["written"] / "messages.json").write_text(json.dumps(written))
    return folders


def test_topics_are_common_nouns(tmp_path: Path) -> None:
    folders = _folders(tmp_path)
    rows = "".join(f"a card and fine weather {number},card\n" for number in range(8))
    (folders["clinc150"] / "train.csv").write_text("text,intent\n" + rows)

    assert topics(folders) == ["card", "weather"]


def test_a_prompt_ends_where_the_user_goes_on() -> None:
    prompt = CONTEXTS[0].prompt("card", "Where is")

    assert prompt.endswith("your card today?<|im_end|>\n<|im_start|>user\nWhere is")
    assert len(set(OPENINGS)) == len(OPENINGS)


@pytest.mark.parametrize(
    ("text", "ended", "kept"),
    [
        ("Where is my card? I lost it yesterday.", False, ["Where is my card?", "I lost it yesterday."]),
        ("Where is my card? I lost it", False, ["Where is my card?"]),
        ("Where is my card", True, ["Where is my card"]),
        ("I saw Dr. Brown on Monday.", True, ["I saw Dr. Brown on Monday."]),
        ("It’s mine now.\nAnd more of it.", True, ["It's mine now."]),
        ("As an AI I cannot say. Go on then. So a*b = c.", True, ["Go on then."]),
        ("Wo ist die Straße dort?", True, []),
    ],
)
def test_whole_plain_sentences_are_kept(text: str, ended: bool, kept: list[str]) -> None:
    assert sentences(text, ended) == kept


def test_a_chat_model_writes_what_begins_with_an_opening(tmp_path: Path) -> None:
    words = [word for opening in OPENINGS for word in opening.split()]
    special = ["<unk>", END, "<|im_start|>"]
    vocabulary = {word: number for number, word in enumerate(dict.fromkeys([*special, *words, "parcel", "now", "."]))}
    plain = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(tokenizer_object=plain, unk_token="<unk>", eos_token=END).save_pretrained(str(tmp_path))
    config = LlamaConfig(
        vocab_size=len(vocabulary), hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(str(tmp_path))
    writer = Writer(tmp_path, None, "cpu", 0)

    messages = writer.messages(["parcel"], 64)
    strange = writer.strange(["where is my parcel now .", "parcel"])

    assert messages
    assert all(message == message.lower() for message in messages)
    assert strange.tolist() == [False, False]
    assert Writer(tmp_path, None, "cpu", 0).messages(["parcel"], 64) == messages
