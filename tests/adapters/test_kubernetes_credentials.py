"""The ways in: the pod's service account with a token that changes, and kubeconfig files."""

import json
import ssl
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from nth.adapters.kubernetes_credentials import Access, TokenFileAuth, find_access, new_client
from nth.errors import SettingError

AUTHORITY = """\
-----BEGIN CERTIFICATE-----
MIIBdDCCARugAwIBAgIUQukBjfo9SEaQrnv/kgotN0uYgkowCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjIyMjQxNDJaGA8yMTI2MTAyOTIyNDE0
MlowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABGtT
4LHZwpngpyq3GmaJXKxcL9gc48O/LMPv/6RLvPrlxslcAAb4CAloyl/8i0HHSQ+h
TYuTskwPYoRxEtgjSwajUzBRMB0GA1UdDgQWBBRCFgP4sZAQ8GWB0AgAsd4/S7VO
JTAfBgNVHSMEGDAWgBRCFgP4sZAQ8GWB0AgAsd4/S7VOJTAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0cAMEQCIEF790bw0us9o37t5Z1Y99N2QSWm6AztvTmk
lvZnNY65AiB+sl8NayWoaZPLISC16i46BQzwoT5eUXicZxvH1GHsXA==
-----END CERTIFICATE-----
"""
"""A certificate for nobody, whose key is not kept."""


@pytest.fixture
def account(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("first\n")
    (tmp_path / "ca.crt").write_text(AUTHORITY)
    return tmp_path


class Ticks:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def _sent(auth: TokenFileAuth, codes: list[int]) -> list[str]:
    """The tokens sent, when the server answers with these codes."""
    tokens = []
    flow = auth.auth_flow(httpx2.Request("GET", "https://server"))
    request = next(flow)
    for code in codes:
        tokens.append(request.headers["Authorization"])
        try:
            request = flow.send(httpx2.Response(code))
        except StopIteration:
            return tokens
    raise AssertionError("more requests than answers")


def test_the_token_is_sent_and_not_read_each_time(account: Path) -> None:
    auth = TokenFileAuth(account / "token", monotonic=Ticks())
    (account / "token").write_text("second")
    assert _sent(auth, [200]) == ["Bearer first"]


def test_a_token_that_was_replaced_is_used_within_a_minute(account: Path) -> None:
    ticks = Ticks()
    auth = TokenFileAuth(account / "token", monotonic=ticks)
    (account / "token").write_text("second")
    ticks.seconds = 59.0
    assert _sent(auth, [200]) == ["Bearer first"]
    ticks.seconds = 60.0
    assert _sent(auth, [200]) == ["Bearer second"]


def test_a_refused_token_is_read_again_at_once_and_only_once(account: Path) -> None:
    auth = TokenFileAuth(account / "token", monotonic=Ticks())
    (account / "token").write_text("second")
    assert _sent(auth, [401, 401]) == ["Bearer first", "Bearer second"]


def test_a_refused_token_that_is_still_the_same_is_not_sent_again(account: Path) -> None:
    auth = TokenFileAuth(account / "token", monotonic=Ticks())
    assert _sent(auth, [401]) == ["Bearer first"]


@pytest.mark.parametrize(
    ("host", "port", "server"),
    [
        ("10.0.0.1", "443", "https://10.0.0.1:443"),
        ("10.0.0.1", "", "https://10.0.0.1:443"),
        ("fd00::1", "6443", "https://[fd00::1]:6443"),
    ],
)
def test_P11_a_pod_uses_its_service_account(account: Path, host: str, port: str, server: str) -> None:
    access = find_access(kubeconfig="", service_host=host, service_port=port, service_account_dir=account)
    assert access.server == server
    assert isinstance(access.auth, TokenFileAuth)
    assert isinstance(access.tls, ssl.SSLContext)
    assert access.tls.verify_mode is ssl.CERT_REQUIRED
    assert access.tls.cert_store_stats()["x509"] == 1


def test_without_any_way_in_the_start_ends_in_one_line() -> None:
    with pytest.raises(SettingError, match=r"^KUBECONFIG: not set, and KUBERNETES_SERVICE") as caught:
        find_access(kubeconfig="", service_host="", service_port="")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("missing", ["token", "ca.crt"])
def test_a_service_account_that_is_not_mounted_is_named(account: Path, missing: str) -> None:
    (account / missing).unlink()
    with pytest.raises(SettingError, match=r"^KUBECONFIG.*service account.*No such file") as caught:
        find_access(kubeconfig="", service_host="h", service_port="1", service_account_dir=account)
    assert "\n" not in str(caught.value)


def _kubeconfig(folder: Path, user: dict[str, object], **cluster: object) -> str:
    path = folder / "config"
    document = {
        "clusters": [{"name": "c", "cluster": {"server": "https://10.0.0.1:6443", **cluster}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path.write_text(json.dumps(document))
    return str(path)


def test_P11_a_kubeconfig_wins_over_the_service_account(account: Path, tmp_path: Path) -> None:
    path = _kubeconfig(tmp_path, {"token": "secret"}, **{"certificate-authority": "ca.crt"})
    access = find_access(kubeconfig=path, service_host="h", service_port="1", service_account_dir=account)
    assert access.server == "https://10.0.0.1:6443"
    assert access.auth is not None
    request = next(access.auth.auth_flow(httpx2.Request("GET", "https://server")))
    assert request.headers["Authorization"] == "Bearer secret"


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "just words",
        "token: hunter2\n\t: [",
        "{clusters: [], contexts: []}",
        "{clusters: [], contexts: [], users: [], current-context: x}",
        "{clusters: [{name: c, cluster: {server: 5}}], contexts: []}",
    ],
    ids=["missing", "empty", "words", "no-yaml", "no-context", "unknown-context", "wrong-type"],
)
def test_a_useless_kubeconfig_ends_the_start_in_one_line(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SettingError) as caught:
        find_access(kubeconfig=str(path), service_host="", service_port="")
    text = str(caught.value)
    assert text.startswith(f"KUBECONFIG: {path} cannot be used: ")
    assert text.endswith("it must be a kubeconfig file with a current context")
    assert "\n" not in text
    assert "hunter2" not in text


@pytest.mark.parametrize(
    ("server", "through_proxy"),
    [
        ("http://10.0.0.1", True),
        ("http://127.0.0.1:1", False),
        ("http://[::1]:1", False),
        ("http://localhost", False),
    ],
)
def test_a_proxy_is_used_but_never_towards_this_machine(
    monkeypatch: pytest.MonkeyPatch, server: str, through_proxy: bool
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:3128")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    access = Access(server=server, auth=None, tls=False)
    client = new_client(access, user_agent="nth/1", connect_seconds=1, keep_alive=1)
    assert client.trust_env is through_proxy
    assert client.headers["User-Agent"] == "nth/1"


def test_a_pod_does_not_pay_for_what_only_kubeconfigs_need(account: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from nth.adapters.kubernetes import connect
connect(kubeconfig="", service_host="h", service_port="1", user_agent="x", qps=1, burst=1,
        service_account_dir=Path({str(account)!r}))
print(sorted(sys.modules.keys() & {{"lightkube", "yaml"}}))
"""
    found = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert found.stdout == "[]\n"
