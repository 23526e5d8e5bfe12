"""The page about a run: tables, verdicts, and what could not be measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import targets
from figures import GIB, MIB, Spread, best_peer, cpu, is_peer, spread

TEMPLATE = Path(__file__).with_name("page.md")


def table(case: dict[str, Any]) -> list[str]:
    """One case: a row for each client, the cheapest first."""
    again = bool(case["again"])
    order = sorted(case["runs"], key=lambda client: _low(cpu(case, client)))
    moved = case["count"] * case["size"]
    heads = ["client", f"CPU {case['unit']}"]
    heads += [f"again {case['unit']}"] if again else []
    heads += ["wall s", "peak MiB"]
    heads += ["faults/GiB"] if moved >= GIB // 4 else []
    heads += ["requests"] if case["requests"] else []
    heads += ["x floor"] if "floor" in case["runs"] else []
    heads += ["x best peer"] if any(map(is_peer, order)) else []
    rows = [f"### {case['name']}", "", _row(heads), _row(["---"] * len(heads))]
    rows += [_row(_cells(case, client, heads)) for client in order]
    rows += [""] + [f"{client}: not measured: {why}\n" for client, why in case["failures"].items()]
    return rows


def _cells(case: dict[str, Any], client: str, heads: list[str]) -> list[str]:
    own = cpu(case, client)
    assert own is not None
    digits = 3 if case["unit"] != "s/GiB" else 2
    cells = [client, own.text(digits)]
    for head in heads[2:]:
        if head.startswith("again"):
            cells.append(_text(cpu(case, client, "again"), digits))
        elif head == "wall s":
            cells.append(_text(spread(case, client, "wall"), 2 if case["verb"] != "import" else 3))
        elif head == "peak MiB":
            peak = max(run["first"]["peak"] for run in case["runs"][client]) / MIB
            cells.append(f"{peak:.0f}")
        elif head == "faults/GiB":
            scale = GIB / (case["count"] * case["size"])
            cells.append(f"{_low(spread(case, client, 'faults', 'first', scale)):,.0f}")
        elif head == "requests":
            found = case["requests"].get(client)
            cells.append("" if found is None else f"{found:g}")
        elif head == "x floor":
            cells.append(_ratio(own.low, cpu(case, "floor")))
        else:
            best = best_peer(case)
            assert best is not None
            cells.append(f"{own.low / (best[1] * case['scale']):.2f}")
    return cells


def page(record: dict[str, Any], chart: Path | None) -> str:
    """The whole page, from the template beside this file."""
    groups: dict[str, list[str]] = {}
    for case in record["cases"]:
        groups.setdefault(case["group"], []).extend(table(case))
    tables = "\n".join(f"## {group}\n\n" + "\n".join(rows) for group, rows in groups.items())
    versions = ", ".join(filter(None, dict.fromkeys(record["versions"].values())))
    filled = TEMPLATE.read_text().format(
        machine=record["machine"],
        date=record["date"],
        command=record["command"],
        rounds=record["rounds"],
        versions=versions,
        chart=f"![CPU of each client]({chart.name})\n" if chart else "",
        targets="\n".join(targets.rows(record)),
        tables=tables,
    )
    return filled.rstrip() + "\n"


def _low(found: Spread | None) -> float:
    return found.low if found else float("inf")


def _text(found: Spread | None, digits: int) -> str:
    return found.text(digits) if found else ""


def _ratio(value: float, floor: Spread | None) -> str:
    return f"{value / floor.low:.2f}" if floor and floor.low else ""


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
