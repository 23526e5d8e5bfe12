"""A server that stops in the middle of its answer and goes on when it is told to."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

SIZE = 1 << 20
HALF = SIZE // 2
PATIENCE = 60.0


class Server:
    """An S3 endpoint for one get of `SIZE` bytes of ``x``; a `silent` one never answers."""

    def __init__(self, *, silent: bool = False) -> None:
        self._first, self._rest = (0, SIZE) if silent else (HALF, SIZE - HALF)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._resume = threading.Event()
        self.half_sent = threading.Event()
        """Set when half of the body has been sent, or the request received if nothing is sent."""

    @property
    def options(self) -> dict[str, object]:
        """Options that lead here, and give up only after the test would have."""
        return {
            "endpoint_url": f"http://127.0.0.1:{self._listener.getsockname()[1]}",
            "region": "us-east-1",
            "access_key_id": "key",
            "secret_access_key": "secret",
            "max_attempts": 1,
            "stall_timeout": 2 * PATIENCE,
        }

    def resume(self) -> None:
        """Send the rest, and return when the client has seen it or is gone."""
        self._resume.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the client neither reads nor goes away"

    def resume_later(self) -> None:
        """Send the rest without waiting for it."""
        self._resume.set()

    def _serve(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return  # Nobody came; a test that needs it waits for `half_sent`.
        with connection:
            connection.settimeout(PATIENCE)
            request = b""
            while b"\r\n\r\n" not in request:
                request += connection.recv(1 << 16)
            head = f'HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\nETag: "1"\r\n\r\n'.encode()
            try:
                if self._first:
                    connection.sendall(head + b"x" * self._first)
                self.half_sent.set()
                self._resume.wait(PATIENCE)
                connection.sendall((b"" if self._first else head) + b"x" * self._rest)
                # The client closes its side when it has seen the end of ours, and all before it.
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(1 << 16):
                    pass
            except OSError:
                pass  # The client has gone away, as it should.

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._resume.set()
        self._listener.close()
