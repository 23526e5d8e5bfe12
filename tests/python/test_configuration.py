"""Where settings come from: the rules of the page about configuration, seen from outside."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import s3dlio as s3
import testserver
from python.child import run

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs/reference/configuration.md"

IN_DIRECTORY = """
import os, sys
for name in [name for name in os.environ if name.startswith(("AWS_", "AZURE_", "S3DLIO_"))]:
    del os.environ[name]
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
os.chdir(sys.argv[1])
sys.stdout.reconfigure(line_buffering=True)
os.dup2(1, 2)
import s3dlio as s3
"""


def child(directory: Path, code: str, *, dotenv: str | None = None) -> str:
    """What `code` prints in `directory`, with its log; `dotenv` has the only settings."""
    if dotenv is not None:
        (directory / ".env").write_text(textwrap.dedent(dotenv), encoding="utf-8")
    return run(IN_DIRECTORY + textwrap.dedent(code), str(directory))


@pytest.fixture(scope="module")
def server() -> Iterator[testserver.TestServer]:
    with testserver.running() as server:
        yield server


@pytest.fixture(autouse=True)
def _emptied(server: testserver.TestServer) -> None:
    server.reset()


def test_a_file_is_read_by_the_first_client_and_told_without_values(tmp_path: Path) -> None:
    printed = child(
        tmp_path,
        """
        from pathlib import Path
        s3.init_logging("info")
        s3.settings()
        Path(".env").write_text("S3DLIO_PART_SIZE=6MiB\\nAWS_SECRET_ACCESS_KEY=s3cr3t\\n"
                                "AWS_ACCESS_KEY_ID=AKIAX\\nHTTPS_PROXY=http://evil\\n")
        s3.exists("memory://b/k")
        print("then")
        # Later ones, and other directories, find the settings that the process began with.
        Path(".env").write_text("S3DLIO_PART_SIZE=nonsense\\n")
        s3.exists("memory://b/k", options={"durable": False})
        """,
    )

    before, after = printed.split("then")
    assert ".env" in before
    assert "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY S3DLIO_PART_SIZE" in before
    assert "HTTPS_PROXY" not in printed
    assert "s3cr3t" not in printed
    assert "AKIAX" not in printed
    assert ".env" not in after


def test_importing_reads_no_file(tmp_path: Path) -> None:
    assert child(tmp_path, "print('imported')", dotenv="AWS_REGION='open\n") == "imported\n"


def test_no_file_of_another_directory_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("S3DLIO_PART_SIZE=nonsense\n", encoding="utf-8")
    below = tmp_path / "below"
    below.mkdir()

    child(below, "s3.exists('memory://b/k')")


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("", "S3DLIO_PART_SIZE=nonsense: expected "),
        ("os.environ['S3DLIO_PART_SIZE'] = '6MiB'", "done"),
        ("os.environ['S3DLIO_PART_SIZE'] = ''", "S3DLIO_PART_SIZE=nonsense"),
        ("os.environ['S3DLIO_LOAD_DOTENV'] = '0'", "done"),
        ("os.environ['S3DLIO_LOAD_DOTENV'] = 'perhaps'", "S3DLIO_LOAD_DOTENV=perhaps"),
        ("os.environ['S3DLIO_PART_SIZE'] = os.fsdecode(b'\\xff')", "S3DLIO_PART_SIZE=\ufffd"),
    ],
)
def test_the_environment_goes_first_and_a_bad_value_names_its_variable(
    tmp_path: Path, before: str, expected: str
) -> None:
    code = f"""
{before}
try:
    s3.exists("memory://b/k")
    print("done")
except s3.InvalidInputError as error:
    print(error)
"""

    assert expected in child(tmp_path, code, dotenv="S3DLIO_PART_SIZE=nonsense\n")


KEYS = "AWS_ACCESS_KEY_ID=AKIAFILE\nAWS_SECRET_ACCESS_KEY=x\nAWS_REGION=us-east-1\n"


@pytest.mark.parametrize(
    ("file", "code", "arrives"),
    [
        (KEYS, "", True),
        ("", "", False),
        (KEYS, "os.environ.update(AWS_ACCESS_KEY_ID='other', AWS_SECRET_ACCESS_KEY='y')", False),
        (KEYS, "options = {'access_key_id': 'other', 'secret_access_key': 'y'}", False),
    ],
    ids=["both", "endpoint alone", "keys of the environment", "keys of the call"],
)
def test_an_endpoint_of_a_file_gets_no_keys_but_the_file_s(
    server: testserver.TestServer, tmp_path: Path, file: str, code: str, *, arrives: bool
) -> None:
    printed = child(
        tmp_path,
        f"""
s3.init_logging("warn")
options = {{}}
{code}
# Whoever does not go to the server has nowhere to go.
os.environ["HTTPS_PROXY"] = "http://127.0.0.1:9"
for more in (1, 2):
    try:
        s3.exists("s3://b/k", options={{**options, "max_attempts": more}})
    except s3.StorageError as error:
        print(type(error).__name__)
""",
        dotenv=f"{file}AWS_ENDPOINT_URL={server.endpoint}\n",
    )

    assert bool(server.requests()) == arrives, printed
    assert printed.count("AWS_ENDPOINT_URL of .env is ignored") == (0 if arrives else 1), printed


def test_a_slip_in_a_name_draws_one_warning(tmp_path: Path) -> None:
    printed = child(
        tmp_path,
        """
        s3.init_logging("warn")
        os.environ["S3DLIO_PARTSIZE"] = "1"
        os.environ["S3DLIO_TEST_SCALE"] = "quick"
        for durable in (True, False):
            s3.exists("memory://b/k", options={"durable": durable})
        """,
        dotenv="S3DLIO_CONCURENCY=5\nAWS_REGON=x\n",
    )

    assert printed.count("S3DLIO_PARTSIZE is no setting") == 1
    assert "did you mean S3DLIO_PART_SIZE?" in printed
    assert printed.count("S3DLIO_CONCURENCY is no setting") == 1
    assert "did you mean S3DLIO_CONCURRENCY?" in printed
    assert printed.count("no setting") == 2, printed


def test_a_profile_given_in_the_call_beats_keys_of_the_environment(
    server: testserver.TestServer, tmp_path: Path
) -> None:
    (tmp_path / "credentials").write_text(
        "[team]\naws_access_key_id = AKIATEAM\naws_secret_access_key = x\n", encoding="utf-8"
    )

    child(
        tmp_path,
        f"""
        os.environ.update(AWS_ACCESS_KEY_ID="AKIAENV", AWS_SECRET_ACCESS_KEY="y",
                          AWS_SHARED_CREDENTIALS_FILE="credentials", AWS_CONFIG_FILE=os.devnull)
        options = {{"endpoint_url": "{server.endpoint}", "region": "us-east-1"}}
        for more in ({{}}, {{"profile": "team"}}):
            try:
                s3.exists("s3://b/k", options={{**options, **more}})
            except s3.NotFoundError:
                pass
        """,
    )

    assert [seen["key_id"] for seen in server.requests()] == ["AKIAENV", "AKIATEAM"]


def test_the_examples_of_the_page_run(server: testserver.TestServer) -> None:
    found: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    with testserver.running() as other:
        for block in blocks:
            led = block.replace("http://127.0.0.1:9000", server.endpoint)
            led = led.replace("http://127.0.0.1:9001", other.endpoint)
            exec(compile(led, PAGE.name, "exec"), found)  # noqa: S102 - our own page
        east, west, move = found["east"], found["west"], found["move"]
        assert isinstance(west, s3.Options)
        assert isinstance(east, s3.Options)
        assert callable(move)
        for options in (west, east):
            s3.create_bucket("s3://data/", options=options)
        s3.put("s3://data/k", b"bytes", options=west)

        move("data", "k")

        assert not s3.exists("s3://data/k", options=west)
        assert s3.get("s3://data/k", options=east) == b"bytes"
        assert {seen["key_id"] for seen in server.requests()} == {"west"}
        assert {seen["key_id"] for seen in other.requests()} == {"east"}
