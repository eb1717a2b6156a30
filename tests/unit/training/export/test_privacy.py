from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_no_library_keeps_a_number_of_the_machine_or_what_it_would_report(tmp_path: Path) -> None:
    """ONNX Runtime makes both, below the user's cache, as soon as it loads, and sends them where it can."""
    own = {"HOME", "XDG_CACHE_HOME", "ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK"}
    environment = {**{name: value for name, value in os.environ.items() if name not in own}, "HOME": str(tmp_path)}
    code = (
        "import tilth.training.export.predictor, huggingface_hub.constants as hub; assert hub.HF_HUB_DISABLE_TELEMETRY"
    )
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=120)
    assert not list(tmp_path.rglob("*"))
