"""A chart of the cases that matter most: CPU of each client, the first call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

from cases import OURS
from figures import cpu

if TYPE_CHECKING:
    from pathlib import Path

SHOWN = (
    "s3-static: get 64 x 8 MiB",
    "s3: put 64 x 8 MiB",
    "tls: get 64 x 8 MiB",
    "small: get 1,000 x 4 KiB",
    "small: put 1,000 x 4 KiB",
    "list: list 100,000 objects",
)
COLUMNS = 2


def write(record: dict[str, Any], path: Path) -> None:
    """Draw what the run has of these cases."""
    # Text stays text and ids do not change, so that two charts can be compared.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "bench", "font.size": 8})
    by_name = {case["name"]: case for case in record["cases"]}
    cases = [by_name[name] for name in SHOWN if name in by_name and by_name[name]["runs"]]
    rows = max(1, -(-len(cases) // COLUMNS))
    figure = Figure(figsize=(9, 2.2 * rows), layout="constrained")
    axes = figure.subplots(rows, COLUMNS, squeeze=False).flat
    for case, axis in zip(cases, axes, strict=False):
        clients = sorted(case["runs"], key=lambda client: -_median(case, client))
        colors = ["#d95f02" if client == OURS else "#8da0b8" for client in clients]
        bars = axis.barh(clients, [_median(case, client) for client in clients], color=colors)
        axis.bar_label(bars, fmt="%.2f", padding=2)
        axis.set_title(f"{case['name']}, CPU {case['unit']}", loc="left")
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(x=0.15)
    for axis in list(figure.axes)[len(cases) :]:
        axis.set_visible(False)
    figure.savefig(path, format="svg", metadata={"Date": None})


def _median(case: dict[str, Any], client: str) -> float:
    found = cpu(case, client)
    assert found is not None
    return found.median
