"""Write rows whose wording is alike enough for paraphrases, beside some of the demo's, for a night that is over soon.

The demo's inbox is in the words of many different people: its paraphraser stays above its loss limit, so that nothing
behind that is ever reached. The rows written here say the same few things in turns.
"""

import csv
import itertools
import sys
from collections import Counter
from pathlib import Path

THINGS = ("router", "phone", "hub", "booster", "new cable", "sim card")
SAID = {
    ("billing", "refund_status"): (
        "where is the refund for my {}",
        "when will the refund for my {} reach my bank",
        "the refund for the {} has not arrived yet",
        "i am still waiting for the refund for my {}",
        "how long does the refund for the {} take",
    ),
    ("billing", "payment_failed"): (
        "why was my payment for the {} declined",
        "my card payment for the {} failed again today",
        "the payment for the {} does not go through",
        "i cannot pay for my {} with my card",
        "what can i do when the payment for my {} fails",
    ),
    ("orders", "delivery_tracking"): (
        "when will my {} be delivered",
        "can you tell me where the parcel with my {} is",
        "the {} that i ordered has not been delivered yet",
        "i am still waiting for the parcel with the {}",
        "how can i track the delivery of my {}",
    ),
    ("orders", "return_item"): (
        "how can i send the {} back to you",
        "i want to return the {} that i ordered",
        "where do i send the {} that i do not want",
        "can i return my {} in the shop",
        "i need a label to send my {} back",
    ),
}
LABELED, UNLABELED = 2, 40  # rows of the demo's, of each intent and without one


def made() -> list[dict[str, str]]:
    """Every sentence about every thing; those about the first thing have no label."""
    rows = []
    for ((area, intent), sentences), thing in itertools.product(SAID.items(), THINGS):
        label = {} if thing == THINGS[0] else {"area": area, "intent": intent}
        rows += [
            {"id": f"{intent}-{thing}-{k}", "text": said.format(thing), "channel": "chat", **label}
            for k, said in enumerate(sentences)
        ]
    return rows


def few(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Some rows of each intent, so that every labeling function has its class, and some that have none."""
    seen: Counter[str] = Counter()
    kept = []
    for row in rows:
        seen[row["intent"]] += 1
        if seen[row["intent"]] <= (LABELED if row["intent"] else UNLABELED):
            kept.append(row)
    return kept


def main(raw: Path, to: Path) -> None:
    """Read the demo's rows from one folder, and write `rows.csv` and `gold.csv` into the other."""
    for name, new, own in (("inbox", "rows", made()), ("gold", "gold", [])):
        with (raw / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            rows = [*few(list(csv.DictReader(file))), *own]
        with (to / f"{new}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ["id", "text", "channel", "area", "intent"])
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
