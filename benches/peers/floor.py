"""What the bytes cost at least: the protocol, and one copy from cache to memory that is there.

A get lets the kernel drop the body as it arrives (MSG_TRUNC), then copies as many bytes; a put is
one blocking send after the other. No client can do with less, short of not copying.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from peers import Client

if TYPE_CHECKING:
    from collections.abc import Sequence

    from peers import Place

CHUNK = 1 << 20
HEAD_END = b"\r\n\r\n"


class Floor(Client):
    """One connection, one request after the other."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.service = urlsplit(self._endpoint())
        assert self.service.hostname is not None
        assert self.service.port is not None
        self.connection = socket.create_connection((self.service.hostname, self.service.port))
        self.source = memoryview(os.urandom(CHUNK))
        self.destination = memoryview(bytearray(0))
        self.targets: dict[tuple[str, str], str] = {}

    def prepare(self, verb: str, keys: Sequence[str], bodies: Sequence[bytes]) -> None:
        """Sign what will be asked, and fault in the memory: neither is part of the floor."""
        method = "PUT" if verb == "put" else "GET"
        for key in keys:
            self.targets[method, key] = self._sign(method, key)
        if verb == "get":
            self.destination = memoryview(bytearray(bodies[0]))

    def put(self, keys: Sequence[str], bodies: Sequence[bytes]) -> None:
        for key, body in zip(keys, bodies, strict=True):
            more = f"Content-Length: {len(body)}\r\nx-ms-blob-type: BlockBlob\r\n"
            self._ask("PUT", key, more)
            self.connection.sendall(body)
            self._drop(self._head())

    def get(self, keys: Sequence[str]) -> Sequence[object]:
        if ("GET", keys[0]) not in self.targets:
            return []
        for key in keys:
            self._ask("GET", key, "")
            length = self._head()
            self._drop(length)
            for start in range(0, length, CHUNK):
                end = min(start + CHUNK, length)
                self.destination[start:end] = self.source[: end - start]
        return []

    def _endpoint(self) -> str:
        name = "AZURE_STORAGE_ENDPOINT" if self.place.root.startswith("az") else "AWS_ENDPOINT_URL"
        return os.environ[name]

    def _sign(self, method: str, key: str) -> str:
        if self.place.anonymous:
            return f"{self.service.path}/{self.place.bucket}/{key}"
        import s3dlio  # noqa: PLC0415 - only a server that checks signatures needs one

        url = urlsplit(s3dlio.presign(self.place.root + key, method=method))
        return f"{url.path}?{url.query}"

    def _ask(self, method: str, key: str, more: str) -> None:
        target = self.targets[method, key]
        head = f"{method} {target} HTTP/1.1\r\nHost: {self.service.netloc}\r\n{more}\r\n"
        self.connection.sendall(head.encode())

    def _head(self) -> int:
        """Read the head of an answer, not a byte more, and return the length of its body."""
        peeked = self.connection.recv(1 << 14, socket.MSG_PEEK)
        while HEAD_END not in peeked:
            assert peeked, "the server closed the connection"
            peeked = self.connection.recv(1 << 14, socket.MSG_PEEK)
        head = self.connection.recv(peeked.index(HEAD_END) + len(HEAD_END)).decode("latin-1")
        status, *fields = head.split("\r\n")
        if status.split(" ")[1] not in {"200", "201"}:
            raise RuntimeError(head)
        pairs = (field.partition(":") for field in fields)
        return int(next((v for name, _, v in pairs if name.lower() == "content-length"), "0"))

    def _drop(self, length: int) -> None:
        scratch = memoryview(bytearray(min(length, CHUNK)))
        while length:
            want = min(length, CHUNK)
            flags = socket.MSG_TRUNC | socket.MSG_WAITALL
            got = self.connection.recv_into(scratch, want, flags)
            assert got, "the server closed the connection"
            length -= got
