"""List and download one level and all levels of a small tree.

    python regex.py s3://new-bucket

The bucket (or container, or directory) is made by the script, and removed at its end.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import s3dlio as s3

PREFIX = "test-recursive-py/"
NAMES = ("dummy1.txt", "data/dummy2.txt", "data/logs/dummy3.txt")
PLACES = {"s3": ("S3 bucket", "S3"), "az": ("Azure container", "Azure")}


def listed(uri: str, *, recursive: bool) -> list[str]:
    """The keys, without the directories that `file://` has before them."""
    return [key[key.index(PREFIX) :] for key in s3.list(uri, recursive)]


def downloaded(uri: str, *, recursive: bool) -> list[str]:
    """The names of the files that a download leaves."""
    with tempfile.TemporaryDirectory() as target:
        s3.download(uri, target, recursive=recursive)
        return sorted(path.name for path in Path(target).rglob("*") if path.is_file())


def main(base: str) -> None:
    scheme, _, rest = base.rstrip("/").partition("://")
    kind, place = PLACES.get(scheme, ("directory", "files"))
    name = rest.rpartition("/")[2]
    tree = f"{scheme}://{rest}/{PREFIX}"

    print(f"--- Creating {kind} {name}... ---")
    s3.create_bucket(base)
    print(f"--- Setting up test files in {place}... ---")
    s3.put_many([(tree + each, each.encode()) for each in NAMES])
    print("Setup complete.\n")

    print("--- Testing s3dlio.list() ---")
    level = listed(tree, recursive=False)
    print(f"Non-recursive list found {len(level)} items: {level}")
    everything = listed(tree, recursive=True)
    print(f"Recursive list found {len(everything)} items: {everything}")
    assert level == [PREFIX + "data/", PREFIX + "dummy1.txt"]
    assert everything == sorted(PREFIX + each for each in NAMES)
    # What follows the last slash is a regular expression.
    assert listed(tree + r"dummy\d\.txt", recursive=False) == [PREFIX + "dummy1.txt"]
    assert listed(tree + r".*dummy[23]\.txt", recursive=True) == everything[:2]
    print("✅ List tests passed!\n")

    print("--- Testing s3dlio.download() ---")
    level = downloaded(tree, recursive=False)
    print(f"Non-recursive download got: {level}")
    everything = downloaded(tree, recursive=True)
    print(f"Recursive download got: {everything}")
    assert level == ["dummy1.txt"]
    assert everything == ["dummy1.txt", "dummy2.txt", "dummy3.txt"]
    print("✅ Download tests passed!\n")

    print("--- Cleaning up test files... ---")
    s3.delete(tree)
    print(f"--- Deleting Empty {kind} {name}... ---")
    s3.delete_bucket(base)
    print("✅ Cleanup successful!")


if __name__ == "__main__":
    main(sys.argv[1])
