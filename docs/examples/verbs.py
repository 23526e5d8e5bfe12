"""Time each verb on many objects, first called, then awaited.

    python verbs.py s3://bucket/prefix/ [--objects 5] [--size 20971520]

The bucket must exist; what the script puts below the prefix it deletes again.
"""

from __future__ import annotations

import argparse
import asyncio
import time

import s3dlio as s3

MIB = 1 << 20


def listed(found: int, base: str, seconds: float) -> str:
    return f"Found {found} objects under {base} in {seconds:.2f}s\n"


def moved(what: str, objects: int, size: int, seconds: float) -> str:
    rates = f"{objects / seconds:.2f} ops/s, {size / MIB / seconds:.2f} MiB/s"
    return f"{what} ({size / MIB:.2f} MiB) in {seconds:.2f}s -> {rates}\n"


def run(base: str, objects: int, size: int) -> None:
    uris = [f"{base}object_{number}_of_{objects}.dat" for number in range(objects)]

    print("=== Sync LIST ===")
    start = time.perf_counter()
    keys = s3.list(base, recursive=True)
    print(listed(len(keys), base, time.perf_counter() - start))

    print("=== Sync PUT ===")
    start = time.perf_counter()
    report = s3.generate(base, objects, size=size)
    took = time.perf_counter() - start
    print(moved(f"Uploaded {report.objects} objects", report.objects, report.bytes, took))

    print("=== Sync STAT ===")
    print(f"Stat for {uris[0]}:")
    for name, value in s3.stat(uris[0]).items():
        print(f"  {name}: {value}")
    print()

    print("=== Sync GET Many ===")
    start = time.perf_counter()
    got = s3.get_many(uris)
    took = time.perf_counter() - start
    total = sum(len(data) for _, data in got)
    print(moved(f"Fetched {len(got)} objects", len(got), total, took))
    del got

    print("=== Sync GET Many Stats ===")
    start = time.perf_counter()
    count, total = s3.get_many_stats(uris)
    took = time.perf_counter() - start
    print(moved(f"Stats: {count} objects, {total} bytes", count, total, took))

    print("=== Sync DELETE ===")
    start = time.perf_counter()
    s3.delete_many(uris)
    print(f"Deleted test objects in {time.perf_counter() - start:.2f}s\n")


async def run_async(base: str, objects: int, size: int) -> None:
    uris = [f"{base}object_{number}_of_{objects}.dat" for number in range(objects)]

    print("=== Async LIST ===")
    start = time.perf_counter()
    keys = await s3.list_async(base, recursive=True)
    print(listed(len(keys), base, time.perf_counter() - start))

    print("=== Async PUT ===")
    start = time.perf_counter()
    report = await s3.generate_async(base, objects, size=size)
    took = time.perf_counter() - start
    print(moved(f"Uploaded {report.objects} objects", report.objects, report.bytes, took))

    print("=== Async GET Many ===")
    start = time.perf_counter()
    got = await s3.get_many_async(uris)
    took = time.perf_counter() - start
    total = sum(len(data) for _, data in got)
    print(moved(f"Fetched {len(got)} objects", len(got), total, took))
    del got

    print("=== Async GET Many Stats ===")
    start = time.perf_counter()
    count, total = await s3.get_many_stats_async(uris)
    took = time.perf_counter() - start
    print(moved(f"Stats: {count} objects, {total} bytes", count, total, took))

    print("=== Async DELETE ===")
    start = time.perf_counter()
    await s3.delete_many_async(uris)
    print(f"Deleted test objects in {time.perf_counter() - start:.2f}s")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("base", help="a prefix that ends in a slash")
    parser.add_argument("--objects", type=int, default=5)
    parser.add_argument("--size", type=int, default=20 * MIB, help="bytes of each object")
    given = parser.parse_args()

    run(given.base, given.objects, given.size)
    asyncio.run(run_async(given.base, given.objects, given.size))


if __name__ == "__main__":
    main()
