"""Mixed precision only where a device has instructions for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from tilth import devices


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
