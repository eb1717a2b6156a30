"""Labels of rows with a picture alone: models of the pictures compare them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.small_table import HashingEncoder
from tests.unit.training.tiny_pictures import COLOR, picture_resources, picture_table, see_colors
from tilth import cleaning, stage
from tilth import samples as table


@pytest.mark.parametrize(("rows", "found"), [(80, ["10", "11", "41"]), (16, [])])
def test_turned_labels_of_pictures_alone_are_found(
    rows: int, found: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    see_colors(monkeypatch)
    frame = table.to_pandas(picture_table(tmp_path, kinds="p", rows=rows, gold=""))
    turned = frame["id"].isin(["10", "11", "41"])
    other = frame["color_given"].map({"red": "blue", "blue": "red"})
    frame["color_given"] = frame["color_given"].where(~turned, other)
    kept = frame[[name for name in frame if "shade" not in str(name) and not str(name).startswith("color_o")]]
    samples = table.from_pandas(table.resolve(kept.drop(columns=["color"]), (COLOR,)), (COLOR,))
    resources = picture_resources(samples, HashingEncoder(), tmp_path, (COLOR,))
    result = stage.perform("cleaning", samples, cleaning.Config(), resources)
    after = table.to_pandas(result.samples)
    assert after["id"][after["is_color_issue"].eq(True)].tolist() == found
    assert result.metrics["tasks"]["color"]["pictures_alone"] == {"judged": rows, "issues": len(found)}
    assert after["color_quality"].notna().all()
