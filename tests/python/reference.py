"""The docstrings of the package as a page: docs/reference/python.md."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from textwrap import dedent
from typing import Any

import s3dlio as s3

HEAD = """\
# Python

<!-- Generated: S3DLIO_UPDATE_SNAPSHOTS=1 make test-python ARGS=tests/python/test_reference.py -->

`import s3dlio` imports no framework, and nothing that is slow. Each verb but `open` has a twin of
the same arguments with `_async` at its end: a coroutine function, or an asynchronous iterator where
the verb is an iterator. Errors are [a tree of classes](../reliability.md#errors).
"""

LISTS = ("Args", "Raises", "Attributes")
PROSE = ("Returns", "Yields")
SECTION = re.compile(rf"^({'|'.join([*LISTS, *PROSE, 'Example'])}):\n", re.MULTILINE)
ENTRY = re.compile(r"^(\S[^:\n]*): ", re.MULTILINE)


def render() -> str:
    """The page of everything that the package exports, but for twins and errors."""
    named = {name: getattr(s3, name) for name in s3.__all__ if not name.endswith(("_async", "__"))}
    classes = {name: each for name, each in named.items() if inspect.isclass(each)}
    verbs = {name: each for name, each in named.items() if name not in classes}
    kept = {name: each for name, each in classes.items() if not issubclass(each, Exception)}
    parts = [HEAD, "## Verbs\n", *(_callable(name, verbs[name]) for name in sorted(verbs))]
    parts += ["## Classes\n", *(_class(name, kept[name]) for name in sorted(kept))]
    return "\n".join(parts)


def _callable(name: str, each: Callable[..., Any], level: str = "###") -> str:
    return f"{level} {name}\n\n```python\n{name}{_signature(each)}\n```\n\n{_words(each)}"


def _class(name: str, each: type) -> str:
    parts = [f"### {name}\n", _words(each)]
    public = {key: member for key, member in vars(each).items() if not key.startswith("_")}
    told = "Attributes:" in (each.__doc__ or "")
    shown = {key: member for key, member in public.items() if inspect.isdatadescriptor(member)}
    if shown and not told:
        lines = (f"- `{key}`: {_one_line(shown[key].__doc__ or '')}" for key in sorted(shown))
        parts.append("**Attributes**\n\n" + "\n".join(lines) + "\n")
    methods = {key: member for key, member in public.items() if key not in shown}
    calls = sorted(key for key in methods if callable(methods[key]))
    parts += (_callable(key, methods[key], "####") for key in calls)
    return "\n".join(parts)


def _signature(each: Callable[..., Any]) -> str:
    """Names and defaults; the words say more than the annotations, which half of them lack."""
    parameters = inspect.signature(each).parameters.values()
    bare = [one.replace(annotation=one.empty) for one in parameters if one.name != "self"]
    return str(inspect.Signature(bare))


def _words(each: object) -> str:
    """A docstring as Markdown."""
    first, *rest = SECTION.split(inspect.getdoc(each) or "")
    parts = [first.strip() + "\n"]
    for title, text in zip(rest[::2], rest[1::2], strict=True):
        body = dedent(text).strip()
        if title == "Example" and body.startswith(">>>"):
            parts.append(f"```python\n{body}\n```\n")
        elif title in LISTS:
            lines = (f"- `{name}`: {words}" for name, words in _entries(body))
            heading = {"Args": "Arguments"}.get(title, title)
            parts.append(f"**{heading}**\n\n" + "\n".join(lines) + "\n")
        else:
            parts.append(f"**{title}**: {_one_line(body)}\n")
    return "\n".join(parts)


def _entries(body: str) -> Iterator[tuple[str, str]]:
    """The names of a list and what is said of each."""
    _, *rest = ENTRY.split(body)
    for name, words in zip(rest[::2], rest[1::2], strict=True):
        yield name, _one_line(words)


def _one_line(text: str) -> str:
    return " ".join(text.split())
