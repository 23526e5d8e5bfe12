"""Questions to the record of a run."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

from cases import OURS

MIB, GIB = 1 << 20, 1 << 30

# What tells how low or how high a figure can be, and is no client that one could use instead.
MEASURES = ("floor", "fio", "fio direct", "zstd on one core")


@dataclass(frozen=True)
class Spread:
    """One figure over the rounds."""

    low: float
    median: float

    def text(self, digits: int = 2) -> str:
        return f"{self.low:.{digits}f} / {self.median:.{digits}f}"


def spread(
    case: dict[str, Any], client: str, key: str, call: str = "first", scale: float = 1.0
) -> Spread | None:
    """A figure of a client's first or second call; none where it was not measured."""
    values = [run[call][key] * scale for run in case["runs"].get(client, ()) if call in run]
    return Spread(min(values), statistics.median(values)) if values else None


def cpu(case: dict[str, Any], client: str, call: str = "first") -> Spread | None:
    """CPU in the unit of the case."""
    return spread(case, client, "cpu", call, case["scale"])


def is_peer(client: str) -> bool:
    """Whether it is something that one could use instead of this library."""
    if client == "s3dlio of PyPI":
        return True
    return client not in MEASURES and not client.startswith((OURS, "checkpoint"))


def best_peer(
    case: dict[str, Any], key: str = "cpu", call: str = "first"
) -> tuple[str, float] | None:
    """The peer with the least CPU or wall, and how much in the unit of the record."""
    found = {
        client: value.low
        for client in case["runs"]
        if is_peer(client) and (value := spread(case, client, key, call))
    }
    return min(found.items(), key=lambda each: each[1]) if found else None
