"""Trees of files: what is found on the other side is what was on this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from behavior.place import PART
from behavior.support.rows import Section

if TYPE_CHECKING:
    from pathlib import Path

    from behavior.place import Place
    from behavior.support.faces import Python, Shell

SECTION = Section("Trees of files")
FILES = {
    "empty": b"",
    "d/ü +%20": b"text",
    "d/e/large": bytes(range(256)) * (2 * PART // 256 + 1),
}

UP = "files and directories up"
DOWN = "objects down, to files"
ALIKE = "make one tree like another"


def write(root: Path) -> Path:
    """Write the files above below a new directory."""
    for name, data in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def files(root: Path) -> dict[str, bytes]:
    """All files below a directory."""
    found = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def objects(place: Place, prefix: str) -> dict[str, bytes]:
    """All objects below a prefix."""
    return {
        name.removeprefix(prefix): place.get(name).tobytes()
        for name in place.names()
        if name.startswith(prefix)
    }


def store(place: Place, prefix: str) -> None:
    """Store the files above below a prefix."""
    for name, data in FILES.items():
        place.put(prefix + name, data)


@SECTION.python(UP, "upload")
def upload(do: Python) -> None:
    report = do(write(do.scratch / "tree"), do.place.uri("p/"))

    assert objects(do.place, "p/") == FILES
    assert (report.files, report.bytes) == (3, sum(map(len, FILES.values())))


@SECTION.shell(UP, "upload")
def upload_command(do: Shell) -> None:
    do(write(do.scratch / "tree"), do.place.uri("p/"))

    assert objects(do.place, "p/") == FILES


@SECTION.python(DOWN, "download")
def download(do: Python) -> None:
    store(do.place, "p/")

    report = do(do.place.uri("p/"), do.scratch / "tree")

    assert files(do.scratch / "tree") == FILES
    assert (report.files, report.bytes) == (3, sum(map(len, FILES.values())))


@SECTION.shell(DOWN, "download")
def download_command(do: Shell) -> None:
    store(do.place, "p/")

    do(do.place.uri("p/"), do.scratch / "tree")

    assert files(do.scratch / "tree") == FILES


@SECTION.python(ALIKE, "sync")
def sync(do: Python) -> None:
    tree = write(do.scratch / "tree")
    do.place.put("p/left over", b"x")

    report = do(tree, do.place.uri("p/"), delete=True)

    assert objects(do.place, "p/") == FILES
    assert (report.files, report.deleted) == (3, 1)
    assert do(do.place.uri("p/"), tree, compare="checksum").actions == []


@SECTION.shell(ALIKE, "sync")
def sync_command(do: Shell) -> None:
    tree = write(do.scratch / "tree")
    do.place.put("p/left over", b"x")

    do("--delete", tree, do.place.uri("p/"))

    assert objects(do.place, "p/") == FILES
    (line,) = do.lines("--compare", "checksum", do.place.uri("p/"), tree)
    assert line.startswith("Synced 0 files (total 0 bytes), deleted 0, left 3 in ")
