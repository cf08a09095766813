"""Receivers of webhooks that fail: they hang, answer 500, or are gone."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

KINDS = ("hang", "500", "gone", "good")
_ANSWERS = {
    "500": b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
    "good": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
}
PHASES = "received,cordoned,drained,forced,failed,cancelled,replaced"


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128


@contextmanager
def told(kind: str) -> Iterator[dict[str, str]]:
    """Yield the variables of a handler that posts to such a receiver; empty for the kind "" ."""
    if not kind:
        yield {}
        return
    ending = threading.Event()
    answer = _ANSWERS.get(kind)

    class Receiver(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            taken: socket.socket = self.request
            taken.recv(65536)
            if answer is None:
                ending.wait()
            else:
                taken.sendall(answer)

    with _Server(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        if kind == "gone":
            server.shutdown()
            server.server_close()
        try:
            yield {
                "WEBHOOK_URL": url,
                "WEBHOOK_PHASES": PHASES,
                "WEBHOOK_TRIES": "3",
            }
        finally:
            ending.set()
            if kind != "gone":
                server.shutdown()
