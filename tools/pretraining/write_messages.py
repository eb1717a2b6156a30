"""Short messages by a small chat model, from which the shipped denoiser learns to write fluently.

    python -m tools.pretraining.write_messages --model FOLDER --gguf FILE --chitchat DIR --clinc150 DIR \
        --crowdwsa2019 DIR --wordnet DIR --out DIR --count 350000

The shipped weights learned from SmolLM2-135M-Instruct (Allal et al. 2025; Apache-2.0), as 4-bit weights.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tools.pretraining.chat_prompts import CONTEXTS, END, OPENINGS, USER, topics
from torch.nn import functional
from transformers import AutoModelForCausalLM, AutoTokenizer

logger = logging.getLogger(__name__)
_FOLDERS = ("chitchat", "clinc150", "crowdwsa2019", "wordnet")
_NEW = 30  # tokens of a message, its opening left out
_WORDS = (3, 28)
_STRANGE = (7.5, 14.0)
"""Nats a token on average, and of the least likely one, above which a message is left out."""
_MARKUP = re.compile(
    r"[*#|{}\[\]<>\\_=$^~`]|https?:|\.\.|([a-z])\1\1|\b(ai|smollm|hugging|language model|chatbot)\b", re.IGNORECASE
)
_ABBREVIATION = re.compile(r"\b(mr|mrs|ms|dr|st|jr|vs|etc|e\.g|i\.e|a\.m|p\.m|no|u\.s|u\.k)\.$", re.I)


class Writer:
    """A chat model that speaks ChatML, and what it is made to write."""

    def __init__(self, folder: Path, gguf: str | None, device: str, seed: int) -> None:
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, gguf_file=gguf)
        dtype = torch.bfloat16 if device == "cuda" else torch.float32
        model: Any = AutoModelForCausalLM.from_pretrained(folder, gguf_file=gguf, dtype=dtype)
        self.model = model.to(device).eval()
        self.tokenizer.padding_side, self.tokenizer.pad_token = "left", END
        self.end = self.tokenizer.convert_tokens_to_ids(END)
        self.draw = random.Random(seed)
        torch.manual_seed(seed)

    @torch.inference_mode()
    def messages(self, subjects: Sequence[str], count: int) -> list[str]:
        """Sentences of `count` messages, in lower case, as the denoiser's tokenizer reads them."""
        contexts = self.draw.choices(CONTEXTS, [context.share for context in CONTEXTS], k=count)
        openings = [self.draw.choice(OPENINGS) if context.opened else "" for context in contexts]
        prompts = [c.prompt(self.draw.choice(subjects), o) for c, o in zip(contexts, openings, strict=True)]
        given = self.tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False)
        made = self.model.generate(
            **given.to(self.model.device), do_sample=True, temperature=0.95, top_p=1.0, top_k=0, min_p=0.05,
            max_new_tokens=_NEW, eos_token_id=self.end, pad_token_id=self.end,
        )[:, given["input_ids"].shape[1] :]  # fmt: skip
        texts = self.tokenizer.batch_decode(made, skip_special_tokens=True)
        ended = (made == self.end).any(dim=1).tolist()
        parts = zip(openings, texts, ended, strict=True)
        return [one.lower() for opening, text, whole in parts for one in sentences(opening + text, whole)]

    @torch.inference_mode()
    def strange(self, texts: Sequence[str]) -> np.ndarray:
        """Of which texts it would not have thought itself (texts,)."""
        head = self.tokenizer(USER, add_special_tokens=False)["input_ids"]
        self.tokenizer.padding_side = "right"
        given = self.tokenizer(list(texts), return_tensors="pt", padding=True, add_special_tokens=False)
        self.tokenizer.padding_side = "left"
        ids = torch.cat([torch.tensor([head]).expand(len(texts), -1), given["input_ids"]], dim=1).to(self.model.device)
        logits = self.model(input_ids=ids).logits[:, len(head) - 1 : -1].float()
        nats = functional.cross_entropy(logits.transpose(1, 2), ids[:, len(head) :], reduction="none")
        nats = nats * given["attention_mask"].to(nats.device)
        mean = nats.sum(dim=1) / given["attention_mask"].to(nats.device).sum(dim=1)
        return ((mean > _STRANGE[0]) | (nats.amax(dim=1) > _STRANGE[1])).cpu().numpy()


def sentences(text: str, ended: bool) -> list[str]:
    """The whole sentences of a message's first line that are plain English.

    Args:
        text: the message.
        ended: whether its writer had come to the end.
    """
    line = text.split("\n", maxsplit=1)[0].strip().translate(str.maketrans("’‘“”", "''\"\""))
    parts: list[str] = []
    for part in re.split(r'(?<=[.!?])\s+(?=[A-Z"0-9])', line):
        if parts and _ABBREVIATION.search(parts[-1]):
            parts[-1] += f" {part}"
        else:
            parts.append(part)
    return [
        part
        for number, part in enumerate(parts)
        if (part.endswith((".", "!", "?")) or (ended and number == len(parts) - 1))
        and _WORDS[0] <= len(part.split()) <= _WORDS[1]
        and part.isascii()
        and not _MARKUP.search(part)
    ]


def main(arguments: list[str] | None = None) -> None:
    """Reads the command line and writes `messages.json`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in _FOLDERS:
        parser.add_argument(f"--{name}", type=Path, required=True, help=f"folder of {name}")
    parser.add_argument("--model", type=Path, required=True, help="folder of the chat model")
    parser.add_argument("--gguf", help="the file in it, where its weights come as GGUF (pip install gguf)")
    parser.add_argument("--out", type=Path, required=True, help="folder for the messages")
    parser.add_argument("--count", type=int, default=350_000, help="messages, each another")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--device", default="cpu", help="cpu, or cuda")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    writer = Writer(args.model, args.gguf, args.device, args.seed)
    subjects = topics({name: vars(args)[name] for name in _FOLDERS})
    found: dict[str, None] = {}
    while len(found) < args.count:
        new = [text for text in dict.fromkeys(writer.messages(subjects, args.batch)) if text not in found]
        found.update(dict.fromkeys(np.array(new, dtype=object)[~writer.strange(new)] if new else ()))
        logger.info("%d messages about %d topics", len(found), len(subjects))
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "messages.json").write_text(json.dumps(sorted(found), indent=0), encoding="utf-8")


if __name__ == "__main__":
    main()
