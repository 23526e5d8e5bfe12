"""Names for the annotations of this package; none of it is imported at run time."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

from s3dlio._s3dlio import TransferProgress
from s3dlio.options import Options


class SupportsBuffer(Protocol):
    """`collections.abc.Buffer`, which Python has from 3.12 on."""

    def __buffer__(self, flags: int, /) -> memoryview:
        """The memory, seen."""
        ...


class SupportsDLPack(Protocol):
    """A tensor that shares its memory; it must be the CPU's."""

    def __dlpack__(self, *args: Any, **kwargs: Any) -> object:  # noqa: ANN401 - frameworks differ
        """The memory as a capsule."""
        ...

    def __dlpack_device__(self) -> tuple[Any, Any]:
        """Where the memory is."""
        ...


Memory: TypeAlias = SupportsBuffer | SupportsDLPack
OptionsLike: TypeAlias = Options | Mapping[str, object]
PathLike: TypeAlias = str | os.PathLike[str]
ProgressLike: TypeAlias = Callable[[TransferProgress], object] | bool | None
