"""The verdicts of the benchmarks' page follow from the figures."""

from __future__ import annotations

from typing import Any

import figures
import report
import targets


def case(name: str, scale: float = 1.0, **cpu: float) -> dict[str, Any]:
    """A record of one case: a client's CPU in each of two rounds, the second one slower."""
    runs = {
        client: [
            {
                "first": {"wall": value * slower, "cpu": value * slower, "peak": 0, "faults": 0},
                "brings": [],
            }
            for slower in (1, 2)
        ]
        for client, value in cpu.items()
    }
    return {
        "name": name,
        "group": name.partition(":")[0],
        "runs": runs,
        "failures": {},
        "requests": {},
        "scale": scale,
        "unit": "s",
        "verb": "list",
        "again": False,
        "count": 1,
        "size": 0,
    }


def row(record: dict[str, Any], target: str) -> str:
    return next(row for row in targets.rows(record) if target in row)


def test_a_target_holds_up_to_its_limit_and_not_above() -> None:
    name = "list: list 100,000 objects"

    within = targets.rows({"cases": [case(name, **{"s3dlio": 0.2, "s3dlio, streamed": 9.0})]})
    above = targets.rows({"cases": [case(name, **{"s3dlio": 0.21, "s3dlio, streamed": 9.0})]})

    assert any("CPU s: 0.2 (<= 0.2) | yes |" in row for row in within)
    assert any("CPU s: 0.21 (<= 0.2) | **no** |" in row for row in above)


def test_a_target_without_figures_is_not_measured() -> None:
    assert "not measured: verify: get 64 x 8 MiB" in row({"cases": []}, "verified")


def test_neither_a_floor_nor_a_variant_of_ours_is_a_peer() -> None:
    clients = {"floor": 1.0, "s3dlio": 2.0, "s3dlio, unverified": 2.0, "checkpoint raw": 2.0}

    found = figures.best_peer(case("x", **clients, obstore=4.0, **{"s3dlio of PyPI": 3.0}))

    assert found == ("s3dlio of PyPI", 3.0)


def test_a_table_shows_minimum_and_median_and_what_is_absent() -> None:
    told = case("x: list 1 objects", s3dlio=1.0, obstore=2.0)
    told["failures"]["boto3"] = "no wheel"

    lines = report.table(told)

    assert "| s3dlio | 1.000 / 1.500 | 1.00 / 1.50 | 0 | 0.50 |" in lines
    assert "boto3: not measured: no wheel\n" in lines
