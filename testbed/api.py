"""A plain client of the API server with all rights, for the test bed itself.

Synchronous and without a loop of its own, so that one serves every test of a session.
The program under test has its own client and never uses this one.
"""

import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2

from nth.adapters.kubernetes_errors import error_of_answer

Body = Mapping[str, object]

MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


class Api:
    """The API server, as a kubeconfig file of the test bed names it."""

    def __init__(self, kubeconfig: Path) -> None:
        document = json.loads(kubeconfig.read_text())
        cluster = document["clusters"][0]["cluster"]
        self._http = httpx2.Client(
            base_url=cluster["server"],
            verify=ssl.create_default_context(cafile=cluster["certificate-authority"]),
            headers={"Authorization": f"Bearer {document['users'][0]['user']['token']}"},
            timeout=60.0,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, **query: str) -> bytes:
        return self._send("GET", path, query=query)

    def post(self, path: str, body: Body) -> bytes:
        return self._send("POST", path, body=body)

    def merge(self, path: str, body: Body) -> bytes:
        """Send a JSON merge patch; returns the object."""
        return self._send("PATCH", path, body=body, content_type=MERGE_PATCH)

    def apply(self, path: str, body: Body, **more: str) -> bytes:
        """Create it or change it by server-side apply; `more` goes into the query."""
        query = {"fieldManager": "testbed", "force": "true", **more}
        return self._send("PATCH", path, body=body, query=query, content_type=APPLY_PATCH)

    def delete(self, path: str, body: Body | None = None, **query: str) -> bytes:
        """Delete it; `body` is a DeleteOptions."""
        return self._send("DELETE", path, body=body, query=query)

    def _send(
        self,
        method: str,
        path: str,
        *,
        body: Body | None = None,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> bytes:
        """Returns the answer's body; raises a `ClusterError` if it is none of 2xx."""
        answer = self._http.request(
            method,
            path,
            params=query,
            content=None if body is None else json.dumps(body),
            headers={"Content-Type": content_type},
        )
        if not answer.is_success:
            raise error_of_answer(answer.status_code, answer.content, None, f"{method} {path}")
        return answer.content
