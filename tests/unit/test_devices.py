"""Mixed precision only where a device has instructions for it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import pytest
import torch

from tilth import devices
from tilth.errors import ConfigError


@pytest.fixture(autouse=True)
def _afresh() -> Iterator[None]:
    devices.computes_in_bfloat16.cache_clear()
    yield
    devices.computes_in_bfloat16.cache_clear()


def _product() -> torch.dtype:
    with devices.autocast():
        return (torch.ones(2, 2) @ torch.ones(2, 2)).dtype


@pytest.mark.parametrize(
    ("avx512", "amx", "found"),
    [(False, False, torch.float32), (True, False, torch.bfloat16), (False, True, torch.bfloat16)],
)
def test_products_are_cast_where_a_processor_has_instructions_for_them(
    monkeypatch: pytest.MonkeyPatch, avx512: bool, amx: bool, found: torch.dtype
) -> None:
    monkeypatch.setattr(devices.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert _product() == found


def test_on_another_processor_onednn_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices.platform, "machine", lambda: "arm64")
    assert devices.computes_in_bfloat16() == bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def test_a_device_without_autocast_of_its_own_keeps_float32() -> None:
    assert not devices.computes_in_bfloat16("mps")


def test_weights_that_were_cast_on_purpose_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "computes_in_bfloat16", lambda device: True)
    with devices.autocast("cpu", torch.float64):
        assert (torch.ones(2, 2, dtype=torch.float64) @ torch.ones(2, 2, dtype=torch.float64)).dtype == torch.float64


@pytest.mark.parametrize("name", ["cpu", "mps", "cuda:1", "xpu", "xpu:0", "hpu"])
def test_devices_have_pytorchs_names(name: str) -> None:
    assert re.match(devices.NAMED, name)
    assert torch.device(name)
    assert not re.match(devices.NAMED, f"{name}x")


class _Two:
    """Of a type of accelerator that is not here."""

    @staticmethod
    def device_count() -> int:
        return 2


@pytest.mark.parametrize("kind", ["xpu", "hpu"])
def test_an_accelerator_is_taken_by_pytorchs_name_where_it_is_there(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=rf'training.device = "{kind}".* finds 0 device\(s\) of that kind'):
        devices.resolve_device(kind, "training.device", '"cpu"')
    monkeypatch.setattr(torch, kind, _Two, raising=False)
    assert devices.resolve_device(f"{kind}:1", "training.device", '"cpu"') == f"{kind}:1"
    with pytest.raises(ConfigError, match=r"finds 2 device\(s\)"):
        devices.resolve_device(f"{kind}:2", "training.device", '"cpu"')


def test_a_device_with_a_number_is_the_current_one_within_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    entered = []
    monkeypatch.setattr(torch.cuda, "device", lambda index: contextlib.nullcontext(entered.append(index)))
    for name in ("cpu", "cuda", "cuda:1"):
        with devices.on_device(name):
            pass
    assert entered == [1]
