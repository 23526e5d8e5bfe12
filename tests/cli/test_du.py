from __future__ import annotations

import json

from cli.program import call


def test_bytes_and_objects_are_added_up(bucket: str) -> None:
    call("put", "-c", "-n", "30", "-s", "1000", "-t", "a/{}", bucket)
    call("put", "-n", "3", "-s", "1024", "-t", "{}", bucket)

    assert call("du", bucket).out == f"33072 bytes in 33 objects: {bucket}\n"
    assert call("du", f"{bucket}a/").out == f"30000 bytes in 30 objects: {bucket}a/\n"
    assert call("du", "--human", bucket).out == f"32.30 KiB in 33 objects: {bucket}\n"
    assert call("du", f"{bucket}2").out == f"1024 bytes in 1 objects: {bucket}2\n"
    record = {"op": "du", "uri": bucket, "bytes": 33072, "objects": 33}
    assert json.loads(call("--json", "du", bucket).out) == record
    assert call("du", f"{bucket}nothing/").out.startswith("0 bytes in 0 objects")
    assert f"{bucket}nothing" in call("du", f"{bucket}nothing", code=3).err
