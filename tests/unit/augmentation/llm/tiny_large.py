"""Tiny random checkpoints of the two large backends, and a pipeline that answers what it is told to."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from diffusers import BlockRefinementScheduler
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    DiffusionGemmaConfig,
    DiffusionGemmaForBlockDiffusion,
    DiffusionGemmaTextConfig,
    Gemma4VisionConfig,
    PreTrainedTokenizerFast,
)

SPEECH = "where is my card please tell me why the refund late send it again bank has not come yet what about money"
WORDS = list(dict.fromkeys(SPEECH.split()))
SPECIAL = ["<pad>", "<eos>", "<mask>", "<unk>"]
CHAT = "{% for message in messages %}{{ message['content'] }}{% endfor %}"

# As the published code, it takes no mask but that of blocks (batch, 1, length, length).
LLADA2_CODE = """
import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput


class LLaDA2MoeConfig(PretrainedConfig):
    model_type = "llada2_moe"

    def __init__(self, vocab_size=32, hidden_size=16, **kwargs):
        super().__init__(**kwargs)
        self.vocab_size, self.hidden_size = vocab_size, hidden_size


class LLaDA2MoeModelLM(PreTrainedModel):
    config_class = LLaDA2MoeConfig

    def __init__(self, config):
        super().__init__(config)
        self.embedding = nn.Embedding(config.vocab_size, config.hidden_size)
        self.places = nn.Embedding(2048, config.hidden_size)
        self.head = nn.Linear(config.hidden_size, config.vocab_size)
        self.post_init()

    def forward(self, input_ids, attention_mask=None, position_ids=None, **kwargs):
        rows, length = input_ids.shape
        if attention_mask.shape != (rows, 1, length, length):
            raise ValueError(f"only block attention masks; found {tuple(attention_mask.shape)}")
        states = 50 * (self.embedding(input_ids) + self.places(position_ids))
        weights = (states @ states.transpose(1, 2) / 4 + attention_mask[:, 0]).softmax(-1)
        return CausalLMOutput(logits=2 * self.head(states + weights @ states))
"""


def tokenizer() -> PreTrainedTokenizerFast:
    vocabulary = {word: number for number, word in enumerate([*SPECIAL, *WORDS])}
    plain = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=plain, pad_token="<pad>", eos_token="<eos>", mask_token="<mask>", unk_token="<unk>",
        chat_template=CHAT,
    )  # fmt: skip


def save_llada2(folder: Path, code: str = LLADA2_CODE) -> Path:
    names: dict[str, Any] = {}
    exec(LLADA2_CODE, names)
    torch.manual_seed(0)
    model = names["LLaDA2MoeModelLM"](names["LLaDA2MoeConfig"](vocab_size=len(SPECIAL + WORDS)))
    model.head.bias.data[SPECIAL.index("<eos>")] = 0.8  # most answers shall end
    model.save_pretrained(str(folder))
    tokenizer().save_pretrained(str(folder))
    (folder / "modeling_llada2_moe.py").write_text(code)
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {
        "AutoConfig": "modeling_llada2_moe.LLaDA2MoeConfig",
        "AutoModelForCausalLM": "modeling_llada2_moe.LLaDA2MoeModelLM",
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def save_diffusion_gemma(folder: Path) -> Path:
    torch.manual_seed(0)
    text = DiffusionGemmaTextConfig(
        vocab_size=len(SPECIAL + WORDS), hidden_size=16, intermediate_size=32, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, head_dim=8, global_head_dim=8, num_experts=2, top_k_experts=1,
        moe_intermediate_size=8, layer_types=["sliding_attention", "full_attention"], pad_token_id=0, eos_token_id=1,
    )  # fmt: skip
    sees = Gemma4VisionConfig(
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
    )
    config = DiffusionGemmaConfig(
        text_config=text, vision_config=sees, canvas_length=16, image_token_id=0, boi_token_id=0, eoi_token_id=0
    )
    DiffusionGemmaForBlockDiffusion(config).save_pretrained(str(folder))
    tokenizer().save_pretrained(str(folder))
    return folder


class Scripted:
    """A pipeline whose every row answers the same words, and that remembers what it was asked."""

    _execution_device = torch.device("cpu")

    def __init__(self, answer: str) -> None:
        self.answer, self.asked = answer, list[dict[str, Any]]()
        self.tokenizer = tokenizer()
        self.scheduler = BlockRefinementScheduler()
        self.model = torch.nn.Linear(1, 1)
        self.model.generation_config = SimpleNamespace(eos_token_id=[1, 0])  # type: ignore[assignment]

    def set_progress_bar_config(self, **config: Any) -> None:
        pass

    def __call__(self, messages: list[Any], **asked: Any) -> SimpleNamespace:
        self.asked.append({"messages": messages, **asked})
        ids = [self.tokenizer.convert_tokens_to_ids(token) for token in self.answer.split()]
        return SimpleNamespace(sequences=torch.tensor([ids] * len(messages)))
