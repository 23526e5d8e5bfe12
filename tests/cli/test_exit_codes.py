from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cli.program import bare_environment, call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers import Server

FEW_ATTEMPTS = ("--option", "max_attempts=2", "--option", "retry_base=0.01")
ANY_KEYS = {"AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "nothing", "AWS_REGION": "x"}


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that refuses connections: bound, so nobody else gets it, but not listening."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@pytest.mark.parametrize(
    "arguments",
    [
        ["stat", "no-uri"],
        ["stat", "s4://bucket/key"],
        ["stat", "file://relative/path"],
        ["stat", "s3://bucket"],
        ["delete", "s3://"],
        ["delete", "file:///"],
        ["put", "-n", "2", "-t", "one-name", "file:///tmp/x"],
        ["put", "-o", "PICKLE", "file:///tmp/x"],
        ["get", "-j", "0", "file:///tmp/x"],
        ["list", "file:///tmp/("],
        ["list", "--option", "part_sise=1", "file:///tmp/"],
        ["list", "--option", "part_size=many", "file:///tmp/"],
        ["list", "--endpoint-url", "localhost:9000", "s3://bucket/"],
        ["frobnicate"],
        [],
    ],
    ids=" ".join,
)
def test_input_that_is_not_valid_is_2(arguments: list[str]) -> None:
    done = call(*arguments, code=2, env=bare_environment())

    assert done.out == ""
    assert done.err


def test_hints_tell_what_is_expected() -> None:
    for uri, hint in (
        ("s3://bucket/*.x", r"write .*\.x"),
        ("az://eyes/", "az://eyes/: the URI names no container: expected az://ACCOUNT/CONTAINER"),
        ("az://eyes/k/", "az:///CONTAINER/KEY for the configured account"),
    ):
        assert hint in call("list", uri, code=2, env=bare_environment()).err


def test_secrets_are_refused_on_the_command_line() -> None:
    done = call("--option", "secret_access_key=s3cr3t", "list", "s3://b/", code=2)

    assert "AWS_SECRET_ACCESS_KEY" in done.err
    assert "s3cr3t" not in done.err


def test_nothing_below_a_prefix_is_an_answer_but_no_source(bucket: str, tmp_path: Path) -> None:
    call("create-bucket", bucket)
    nothing, target = f"{bucket}nothing/", str(tmp_path / "target")

    for asked in (["list"], ["list", "-r"], ["du"], ["delete"], ["delete", "--regex", ".*"]):
        call(*asked, nothing)
    assert nothing in call("get", nothing, code=3).err
    for copied in (["download"], ["cp", "-r"], ["sync"]):
        assert "/nothing/: " in call(*copied, nothing, target, code=3).err
    call("upload", str(tmp_path / "nothing"), bucket, code=3)


@pytest.mark.usefixtures("minio", "azurite")
def test_a_missing_bucket_is_3() -> None:
    for uri in ("s3://there-is-no-such-bucket/", "az:///there-is-no-such-container/"):
        assert uri in call("list", uri, code=3).err
        call("put", "-s", "1", uri, code=3)


def test_a_wrong_key_is_4(minio: Server, azurite: Server) -> None:
    wrong_s3 = {**os.environ, **minio.environment, "AWS_SECRET_ACCESS_KEY": "wrong"}
    wrong_az = {**os.environ, **azurite.environment, "AZURE_STORAGE_KEY": "d3Jvbmc="}

    for uri, env in (("s3://bucket/", wrong_s3), ("az:///container/", wrong_az)):
        assert uri in call("list", uri, code=4, env=env).err
        # Each object fails, each is named, and they all fail alike.
        done = call("put", "-n", "3", "-s", "1", "-t", "{}", uri, code=4, env=env)
        assert all(f"{uri}{number}" in done.err for number in range(3))


AS_NOBODY = """
import os, sys
import s3dlio  # what is imported may lie where others may not read
from s3dlio_cli.__main__ import main
if os.getuid() == 0:  # who is denied nothing
    os.setgid(65534), os.setuid(65534)
sys.exit(main())
"""


def test_a_directory_without_permission_is_4(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)

    child = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, "put", "-s", "1", f"file://{closed}/"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert child.returncode == 4, child.stderr
    assert str(closed) in child.stderr


@pytest.mark.parametrize("files", [{}, {"config": "[profile team]\n", "credentials": "[team]\n"}])
def test_a_profile_without_credentials_is_named(tmp_path: Path, files: dict[str, str]) -> None:
    (tmp_path / ".aws").mkdir()
    for name, text in files.items():
        (tmp_path / ".aws" / name).write_text(text, encoding="utf-8")
    alone = {"HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "x"}
    env = {**bare_environment(), **alone}

    for done in (
        call("--profile", "nope", "list", "s3://bucket/", code=4, env=env),
        call("list", "s3://bucket/", code=4, env={**env, "AWS_PROFILE": "nope"}),
    ):
        assert 'no credentials for profile "nope" in ~/.aws/config and ' in done.err


def test_a_refused_connection_is_5(closed_port: int) -> None:
    env = {**bare_environment(), **ANY_KEYS}
    endpoint = ("--endpoint-url", f"http://127.0.0.1:{closed_port}")

    done = call(*endpoint, *FEW_ATTEMPTS, "list", "s3://bucket/", code=5, env=env)

    assert "s3://bucket/" in done.err
    assert "refused" in done.err


def test_hopeless_runs_end_early(closed_port: int) -> None:
    env = {**bare_environment(), **ANY_KEYS}
    endpoint = ("--endpoint-url", f"http://127.0.0.1:{closed_port}")
    put = ("put", "-n", "1000000", "-s", "1", "s3://bucket/")

    done = call(*endpoint, *FEW_ATTEMPTS, *put, code=5, env=env)

    assert "gave up" in done.err
    assert len(done.err.splitlines()) < 50


def test_some_failures_among_successes_are_1(tmp_path: Path) -> None:
    # A directory stands where the second of three objects is to go.
    (tmp_path / "1" / "inside").mkdir(parents=True)

    done = call("put", "-n", "3", "-s", "1", "-t", "{}", f"file://{tmp_path}/", code=1)

    assert f"file://{tmp_path}/1" in done.err
    assert "Uploaded 2 objects (total 2 bytes)" in done.out
    assert (tmp_path / "0").is_file()
    assert (tmp_path / "2").is_file()


def test_a_broken_dotenv_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("AWS_REGION='open\n", encoding="utf-8")
    env = {**bare_environment(), "S3DLIO_LOAD_DOTENV": "1"}

    assert ".env" in call("list", f"file://{tmp_path}/", code=2, env=env).err
    call("--help", env=env)
