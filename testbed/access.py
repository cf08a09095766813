"""Writes the keys, tokens and kubeconfig files by which clients reach the test bed's API server.

Only for a control plane on the loopback that lives for minutes.
"""

import base64
import json
import secrets
from collections.abc import Iterable
from pathlib import Path

ADMIN = "admin"
CONTROLLERS = ("controller-manager", "scheduler", "kwok")
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def write_signing_key(path: Path) -> None:
    """Write a P-256 key for service account tokens, as RFC 5915 has it; the public half may be left out."""
    scalar = (secrets.randbelow(_P256_ORDER - 1) + 1).to_bytes(32, "big")
    der = bytes.fromhex("30310201010420") + scalar + bytes.fromhex("a00a06082a8648ce3d030107")
    text = base64.b64encode(der).decode()
    _write_secret(path, f"-----BEGIN EC PRIVATE KEY-----\n{text}\n-----END EC PRIVATE KEY-----\n")


def write_tokens(path: Path, kubelets: Iterable[str] = ()) -> dict[str, str]:
    """Write a static token for each user with all rights, and for these nodes' kubelets; returns them."""
    groups = dict.fromkeys((ADMIN, *CONTROLLERS), "system:masters")
    groups |= {kubelet_user(name): "system:nodes" for name in kubelets}
    tokens = {user: secrets.token_urlsafe(24) for user in groups}
    lines = [f'{tokens[user]},{user},{user},"{group}"\n' for user, group in groups.items()]
    _write_secret(path, "".join(lines))
    return tokens


def kubelet_user(node_name: str) -> str:
    """Returns the name of a kubelet's user: https://kubernetes.io/docs/reference/access-authn-authz/node/"""
    return f"system:node:{node_name}"


def write_kubeconfig(path: Path, *, url: str, authority: Path, user: str, token: str) -> None:
    """Write a kubeconfig file with one context; JSON, which is YAML too."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "testbed", "cluster": {"server": url, "certificate-authority": str(authority)}}
        ],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": user, "context": {"cluster": "testbed", "user": user}}],
        "current-context": user,
    }
    _write_secret(path, json.dumps(document, indent=1))


def _write_secret(path: Path, text: str) -> None:
    # Whole or not at all: another process may be reading the one before.
    unfinished = path.with_suffix(".unfinished")
    unfinished.touch(mode=0o600)
    unfinished.write_text(text)
    unfinished.replace(path)
