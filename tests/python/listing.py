"""An S3 endpoint with a bucket of numbered keys, a thousand to a page."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

PAGE = 1000

_ENTRY = (
    "<Contents><Key>key-%08d</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
    "<ETag>&quot;%032x&quot;</ETag><Size>%d</Size></Contents>"
)


class Server:
    """Lists `count` keys to whoever asks, and remembers how often it was asked."""

    def __init__(self, count: int) -> None:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.pages += 1
                token = parse_qs(urlsplit(self.path).query).get("continuation-token", ["0"])[0]
                body = _page(int(token), count)
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.pages = 0
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)

    @property
    def options(self) -> dict[str, object]:
        """Options that lead here."""
        return {
            "endpoint_url": f"http://127.0.0.1:{self._http.server_address[1]}",
            "region": "us-east-1",
            "access_key_id": "key",
            "secret_access_key": "secret",
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.shutdown()
        self._http.server_close()


def _page(start: int, count: int) -> bytes:
    end = min(start + PAGE, count)
    entries = "".join([_ENTRY % (i, i, i) for i in range(start, end)])
    more = f"<NextContinuationToken>{end}</NextContinuationToken>" if end < count else ""
    return (
        '<?xml version="1.0"?><ListBucketResult><Name>bucket</Name><Prefix></Prefix>'
        f"<KeyCount>{end - start}</KeyCount><MaxKeys>{PAGE}</MaxKeys>"
        f"<IsTruncated>{str(end < count).lower()}</IsTruncated>{more}{entries}</ListBucketResult>"
    ).encode()
