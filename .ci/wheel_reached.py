"""Check what a night reached: the critic, paraphrases that were accepted and proved, a tuned trunk, its export."""

import json
import sys
from pathlib import Path


def missed(run: Path) -> list[str]:
    """What the night of a run's folder did not reach."""
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    stages = {entry["name"]: entry for entry in record["stages"]}
    augmented, trained = (stages[name]["metrics"] for name in ("augmentation", "training"))
    state = run.parents[1] / "state" / record["carried"]["out"].get("augmentation", "none")
    reached = {
        "all stages": record["status"] == "completed" and all(entry["skipped"] is None for entry in stages.values()),
        "a lesson of the denoiser": augmented.get("steps", 0) > 0,
        "a lesson of the critic": (state / "critic.safetensors").is_file(),
        "a paraphrase that was accepted": augmented.get("accepted", 0) > 0,
        "one that training takes": augmented.get("used", 0) > 0,
        "the proof": "macro_f1_difference_95" in augmented,
        "a tuned trunk": trained.get("trunk", {}).get("chosen") == "tuned",
        "its export in int8": trained.get("export", {}).get("weights") == "int8",
        "a promoted model": record["promoted"] and any((run / "model").glob("*.onnx")),
    }
    return [what for what, there in reached.items() if not there]


if __name__ == "__main__":
    absent = missed(Path(sys.argv[1]))
    sys.exit(f"wheel: the night did not reach {', '.join(absent)}; see {sys.argv[1]}/run.json" if absent else 0)
