"""An S3 server on loopback, and in front of it one that fails as it is told to."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Wanted = Callable[[str, str], bool]


class Faulty(ThreadingHTTPServer):
    """Hands requests on to another server; the next ones meet the faults that are planned.

    Faults: a status such as 500; ``"drop"`` (the connection breaks before the answer, the request
    is not handed on), ``"half-request"`` (it breaks while the body is being read), ``"half"`` (in
    the middle of the answer's body), ``"lost"`` (the request is handed on, its answer is not),
    ``"blind"`` (handed on without If-None-Match, as by a store that does not know it), None (all
    is well).
    """

    daemon_threads = True

    def __init__(self, behind: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = behind
        self.faults: list[object] = []
        self.always: object = None
        self.only: tuple[str, ...] = ()
        self.within = ""
        self.requests: list[str] = []
        self.guard = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def plan(
        self, *faults: object, always: object = None, only: tuple[str, ...] = (), within: str = ""
    ) -> None:
        """Say what befalls the next requests; forget what was planned and counted before.

        Those with other methods than ``only``, or without ``within`` in their path, are well.
        """
        with self.guard:
            self.faults, self.always, self.only = list(faults), always, only
            self.within = within
            self.requests.clear()

    def next_fault(self, method: str, path: str) -> object:
        with self.guard:
            self.requests.append(f"{method} {path.partition('?')[0]}")
            if (self.only and method not in self.only) or self.within not in path:
                return None
            return self.faults.pop(0) if self.faults else self.always

    def handle_error(self, *_: object) -> None:
        """Say nothing: connections break here because they are meant to."""


class _Handler(BaseHTTPRequestHandler):
    server: Faulty
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        pass

    def handle_request(self) -> None:
        fault = self.server.next_fault(self.command, self.path)
        length = int(self.headers.get("Content-Length") or 0)
        if self.headers.get("Expect") == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        if fault == "half-request":
            self.rfile.read(length // 2)
            return self.break_off()
        body = self.rfile.read(length)
        if fault == "drop":
            return self.break_off()
        if isinstance(fault, int):
            return self.answer(fault, {"Content-Type": "application/xml"}, _error(fault))
        status, headers, data = self.handed_on(body, blind=fault == "blind")
        if fault == "lost":
            return self.break_off()
        if fault == "half":
            self.answer(status, headers, data, data[: len(data) // 2])
            return self.break_off()
        return self.answer(status, headers, data)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_request  # noqa: N815

    def handed_on(self, body: bytes, blind: bool) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(*self.server.behind)
        headers = {
            name: value
            for name, value in self.headers.items()
            if name.lower() not in ("expect", "connection")
            and not (blind and name.lower() == "if-none-match")
        }
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        drop = ("connection", "transfer-encoding", "content-length", "date", "server")
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in drop}
        if self.command == "HEAD":
            kept["Content-Length"] = answer.headers["Content-Length"] or "0"
        return answer.status, kept, data

    def answer(
        self, status: int, headers: dict[str, str], data: bytes, sent: bytes | None = None
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data if sent is None else sent)
            self.wfile.flush()

    def break_off(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


def _error(status: int) -> bytes:
    code = {403: "AccessDenied", 404: "NoSuchKey", 409: "ConditionalRequestConflict",
            500: "InternalError", 503: "SlowDown"}[status]  # fmt: skip
    return f"<Error><Code>{code}</Code><Message>as planned</Message></Error>".encode()


@contextmanager
def served() -> Iterator[Faulty]:
    """Run both servers."""
    from moto.server import ThreadedMotoServer

    moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    moto.start()
    for bucket in ("pictures", "diffs"):
        connection = http.client.HTTPConnection(*moto.get_host_and_port())
        connection.request("PUT", f"/{bucket}")
        assert connection.getresponse().read() is not None
        connection.close()
    faulty = Faulty(moto.get_host_and_port())
    thread = threading.Thread(target=faulty.serve_forever, daemon=True)
    thread.start()
    try:
        yield faulty
    finally:
        faulty.shutdown()
        faulty.server_close()
        thread.join()
        moto.stop()
