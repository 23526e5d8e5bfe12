"""The package as a whole: what importing it costs, what it exports, and that its words are true."""

from __future__ import annotations

import doctest
import inspect
import re
import sys
import tomllib
from pathlib import Path

import pytest

import s3dlio as s3
from python.child import run
from s3dlio.file import ObjectReader, ObjectWriter

IMPORT_PROMISE = 0.05
PUBLIC = [name for name in s3.__all__ if not name.startswith("__")]
CALLS = [name for name in PUBLIC if inspect.isroutine(getattr(s3, name))]


def test_importing_is_cheap_and_brings_no_framework() -> None:
    code = """
import sys, time
begin = time.perf_counter()
import s3dlio
print(time.perf_counter() - begin)
heavy = {"numpy", "torch", "jax", "tensorflow", "pyarrow", "fsspec", "asyncio"} & set(sys.modules)
assert not heavy, heavy
assert "s3dlio-io" not in {open(f"/proc/self/task/{t}/comm").read().strip()
                           for t in __import__("os").listdir("/proc/self/task")}
"""
    times = sorted(float(run(code)) for _ in range(5))

    print(f"import: {times[0] * 1e3:.0f} ms at best, {times[-1] * 1e3:.0f} ms at worst")
    assert times[0] < 10 * IMPORT_PROMISE


def test_numpy_is_imported_by_view_alone() -> None:
    run("""
import sys
import s3dlio as s3
s3.create_bucket("memory://lazy/")
s3.put("memory://lazy/k", bytes(8))
data = s3.get("memory://lazy/k")
memoryview(data), data[1:], data == b"", data.__dlpack__()
assert "numpy" not in sys.modules
data.view("f8")
assert "numpy" in sys.modules
""")


def test_the_exports_are_sorted_and_there() -> None:
    assert s3.__all__ == sorted(s3.__all__)
    assert all(hasattr(s3, name) for name in s3.__all__)
    assert {name for name in vars(s3) if not name.startswith("_")} - set(s3.__all__) <= {
        "annotations",
        "checkpoint",
        "demo",
        "exceptions",
        "file",
        "options",
        "twin",
        "watched_twin",
    }


def test_every_verb_has_a_twin() -> None:
    verbs = {name for name in CALLS if not name.endswith("_async")}
    twins = {name.removesuffix("_async") for name in CALLS if name.endswith("_async")}

    # The interface of a file blocks: asyncio.to_thread, or the verbs that read and write.
    assert verbs - twins == {"init_logging", "open", "settings"}
    assert twins - verbs == set()


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_thing_is_documented(name: str) -> None:
    words = inspect.getdoc(getattr(s3, name)) or ""

    assert re.match(r"[`A-Z0-9].*\.", words), words
    if name in CALLS:
        assert "Example:" in words
        parameters = inspect.signature(getattr(s3, name)).parameters
        for parameter in parameters:
            assert re.search(rf"^    {parameter}: ", words, re.MULTILINE), parameter


KINDS = [
    s3.Buffer,
    s3.CheckpointStore,
    s3.CopyResult,
    s3.Entry,
    s3.GenerateReport,
    s3.PutResult,
    s3.ShardReport,
]


@pytest.mark.parametrize("kind", [*KINDS, ObjectReader, ObjectWriter])
def test_every_public_method_is_documented(kind: type) -> None:
    for name, member in vars(kind).items():
        if not name.startswith("_"):
            assert inspect.getdoc(member), name


@pytest.mark.parametrize("name", ["", *PUBLIC])
def test_every_example_runs(name: str) -> None:
    subject = getattr(s3, name) if name else s3
    documents = {name: subject.__doc__}
    if inspect.isclass(subject):
        documents |= {f"{name}.{key}": member.__doc__ for key, member in vars(subject).items()}
    runner = doctest.DocTestRunner()
    for title, words in documents.items():
        example = doctest.DocTestParser().get_doctest(words or "", {}, title, None, 0)
        output: list[str] = []
        runner.run(example, out=output.append)

        assert not runner.failures, "".join(output)


def test_the_module_tells_its_version() -> None:
    manifest = Path(__file__).parents[2] / "Cargo.toml"

    version = tomllib.loads(manifest.read_text())["workspace"]["package"]["version"]

    assert s3.__version__ == version


def test_logging_has_levels() -> None:
    output = run("""
import os, sys
import s3dlio as s3
os.dup2(1, 2)
s3.init_logging("debug")
s3.exists("memory://logging-debug/k")
s3.init_logging("s3dlio=error,hyper=warn")
s3.exists("memory://logging-error/k")
s3.init_logging("OFF")
for bad in ("loud", "s3dlio=loud"):
    try:
        s3.init_logging(bad)
    except s3.InvalidInputError as error:
        assert bad in str(error), error
    else:
        raise SystemExit(bad)
""")

    assert "logging-debug" in output
    assert "logging-error" not in output


def test_the_command_line_tool_is_the_native_one() -> None:
    version = run(
        "import sys; from s3dlio_cli.__main__ import main; sys.argv[1:] = ['--version']; "
        "sys.exit(main())"
    )
    code = run(
        "import sys; from s3dlio_cli.__main__ import main; sys.argv[1:] = ['no-such-command']; "
        "print('exit', main())"
    )

    assert s3.__version__ in version
    assert "exit 2" in code
    assert sys.version_info >= (3, 11)
