"""`presign`: a URL that a program without credentials can use, and only stdout shows."""

from __future__ import annotations

import json
import urllib.request

from cli.program import bare_environment, call

KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "not-checked",
    "AWS_REGION": "eu-west-1",
}


def test_a_url_fetches_the_object(bucket: str) -> None:
    if not bucket.startswith(("s3://", "az://")):
        refused = call("presign", f"{bucket}k", code=1)
        assert refused.out == ""
        return
    call("put", "-c", "-s", "1000", "-t", "k", bucket)

    done = call("-vvv", "presign", "--expires-in", "60", f"{bucket}k")

    url = done.out.strip()
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - our own URL
        assert len(answer.read()) == 1000
    signature = url.partition("Signature=" if bucket.startswith("s3") else "sig=")[2]
    assert signature
    assert signature not in done.err
    call("delete", bucket)
    call("delete-bucket", bucket)


def test_a_program_gets_its_words() -> None:
    env = {**bare_environment(), **KEYS}

    done = call("--json", "presign", "--method", "put", "s3://bucket/a b", env=env)

    record = json.loads(done.out)
    assert (record["uri"], record["method"], record["expires_in"]) == (
        "s3://bucket/a b",
        "PUT",
        3600,
    )
    assert record["url"].startswith("https://bucket.s3.eu-west-1.amazonaws.com/a%20b?")


def test_what_makes_no_sense_is_named() -> None:
    env = {**bare_environment(), **KEYS}
    for arguments, named in (
        (["--method", "PATCH"], '"PATCH"'),
        (["--expires-in", "0"], "604800"),
        (["--expires-in", "604801"], "604801"),
    ):
        assert named in call("presign", *arguments, "s3://bucket/k", code=2, env=env).err
