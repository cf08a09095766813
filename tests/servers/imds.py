"""A metadata service with IMDSv2 tokens on the loopback, whose single answers a test can replace."""

from dataclasses import dataclass, field

from tests.servers.http import Reply, Request

TOKEN_PATH = "/latest/api/token"
TOKEN_HEADER = "X-aws-ec2-metadata-token"


@dataclass(slots=True)
class MetadataServer:
    """Answers as EC2 does with tokens required, or as told."""

    documents: dict[str, bytes | Reply] = field(default_factory=dict)
    token_reply: Reply | None = None
    """Instead of a token."""
    tokens_required: bool = True
    valid: str = ""
    """The only token that is taken: the last one given."""
    ttl_seconds: int | None = None
    """What the service says of a token's life, if it says anything."""
    issued: int = 0

    def __call__(self, request: Request) -> Reply:
        if request.path == TOKEN_PATH:
            return self.token_reply or self._issue()
        sent = request.header(TOKEN_HEADER)
        if self.tokens_required and sent != [self.valid]:
            return Reply(status=401, body=b"<html>401 - Unauthorized</html>")
        document = self.documents.get(request.path, Reply(status=404, body=b"<html>404</html>"))
        return document if isinstance(document, Reply) else Reply(body=document)

    def _issue(self) -> Reply:
        self.issued += 1
        self.valid = f"token-{self.issued}=="
        ttl = () if self.ttl_seconds is None else ((f"{TOKEN_HEADER}-ttl-seconds", str(self.ttl_seconds)),)
        return Reply(body=self.valid.encode(), headers=ttl)
