"""What the figures of a run belong to."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        found, _, value = line.partition(":")
        if found.strip() == name:
            return value.strip()
    return "unknown"


def describe() -> str:
    """Processor, cores, memory and kernel, in a line."""
    gib = int(_field("/proc/meminfo", "MemTotal").split()[0]) / (1 << 20)
    virtual = "hypervisor" in _field("/proc/cpuinfo", "flags")
    kind = "virtual machine" if virtual else "machine"
    kernel = platform.release().split("-")[0]
    return (
        f"{_field('/proc/cpuinfo', 'model name')}, {kind} with {os.cpu_count()} cores shared by "
        f"clients and servers, {gib:.0f} GiB, Linux {kernel}, Python {platform.python_version()}"
    )
