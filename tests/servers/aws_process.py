"""`python -m tests.servers.aws_process [--port N] [--moto-sqs]`: the tests' AWS.

It prints the port that it listens on, and runs until its standard input ends. With --moto-sqs, moto itself
answers for the queues. Connections are kept, as AWS keeps them; werkzeug's server does not.
"""

import argparse
import io
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from wsgiref.simple_server import WSGIRequestHandler

from tests.servers.aws_app import Gate


class Server(ThreadingHTTPServer):
    """A thread for each connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, *, moto_sqs: bool) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.port = self.server_address[1]
        self.gate = Gate(f"http://127.0.0.1:{self.port}", moto_sqs=moto_sqs)
        self.base_environ: dict[str, object] = {
            "REQUEST_SCHEME": "http",
            "SCRIPT_NAME": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": str(self.port),
            "wsgi.errors": sys.stderr,
            "wsgi.multiprocess": False,
            "wsgi.multithread": True,
            "wsgi.run_once": False,
            "wsgi.url_scheme": "http",
            "wsgi.version": (1, 0),
        }


class Handler(WSGIRequestHandler):
    """One connection with any number of requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def handle(self) -> None:
        BaseHTTPRequestHandler.handle(self)

    def do_POST(self) -> None:
        try:
            self._answer()
        except ConnectionError:
            # The client has left, or a fault has cut it off.
            self.close_connection = True

    do_GET = do_POST  # noqa: N815 - the library's name

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        environ = {**self.get_environ(), "wsgi.input": io.BytesIO(body), "peer": self.connection}
        answer = self.server.gate.answer(environ, body)
        self.send_response(int(answer.status.split()[0]))
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """No log."""


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--moto-sqs", action="store_true")
    arguments = parser.parse_args()
    server = Server(arguments.port, moto_sqs=arguments.moto_sqs)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    server.serve_forever()


def _leave_with_parent() -> None:
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
