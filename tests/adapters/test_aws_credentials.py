"""Where the adapter's credentials come from (P9): each way that a pod has, with servers on the loopback."""

import asyncio
import json
from pathlib import Path

import pytest

from nth.adapters import aws
from nth.adapters.aws import connect
from nth.errors import AwsError, SettingError
from tests.servers.aws import REGION, AwsServer
from tests.servers.aws_faults import Fault
from tests.servers.http import Reply, Request, serving

ROLE = "arn:aws:iam::123456789012:role/nth"
TOKEN = "a-token-of-the-service-account"


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No credentials from anywhere; an empty folder."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    return tmp_path


@pytest.fixture
def web_identity(nothing: Path, aws_server: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """IRSA: a role, a token of the service account, and STS."""
    token_file = nothing / "token"
    token_file.write_text(TOKEN)
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token_file))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", aws_server.url)


async def check_and_ask(url: str) -> None:
    """Whether credentials can be had, and whether they serve."""
    async with connect(region=REGION, queue_urls=[url], endpoint_url=url) as client:
        await client.check_credentials()
        assert await client.instances.describe(["i-0123456789abcdef0"]) == {}


@pytest.mark.usefixtures("web_identity")
def test_P9_a_role_of_the_service_account(aws_server: AwsServer) -> None:
    asyncio.run(check_and_ask(aws_server.url))
    assert [call.action for call in aws_server.calls()] == ["AssumeRoleWithWebIdentity", "DescribeInstances"]


@pytest.mark.usefixtures("web_identity")
def test_P9_a_role_that_may_not_be_taken_is_a_setting_error(aws_server: AwsServer) -> None:
    aws_server.fault(Fault(service="sts", status=403, code="AccessDenied", message="not you"))
    with pytest.raises(SettingError, match=r"AWS credentials cannot be had: .*AccessDenied.*not you"):
        asyncio.run(check_and_ask(aws_server.url))


@pytest.mark.usefixtures("web_identity")
def test_an_sts_that_is_busy_is_asked_again(aws_server: AwsServer) -> None:
    aws_server.fault(Fault(service="sts", status=503, code="ServiceUnavailable"))
    asyncio.run(check_and_ask(aws_server.url))
    assert len(aws_server.calls("AssumeRoleWithWebIdentity")) == 2


def test_P9_eks_pod_identity(nothing: Path, aws_server: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    token_file = nothing / "token"
    token_file.write_text(TOKEN)

    def agent(request: Request) -> Reply:
        if request.header("Authorization") != [TOKEN]:
            return Reply(status=401)
        keys = {
            "AccessKeyId": "key",
            "SecretAccessKey": "secret",
            "Token": "session",
            "Expiration": "2099-01-01T00:00:00Z",
        }
        return Reply(body=json.dumps(keys).encode())

    async def main() -> None:
        async with serving(agent) as server:
            monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{server.url}/v1/credentials")
            monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(token_file))
            await check_and_ask(aws_server.url)
            assert len(server.requests) == 1

    asyncio.run(main())


@pytest.mark.usefixtures("web_identity")
def test_P9_a_token_that_is_not_there_ends_the_start_in_one_line(
    aws_server: AwsServer, nothing: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (nothing / "token").unlink()
    with pytest.raises(SettingError, match=r"^AWS credentials cannot be had: .*No such file") as caught:
        asyncio.run(check_and_ask(aws_server.url))
    assert "\n" not in str(caught.value)
    assert caplog.records == []


@pytest.mark.usefixtures("nothing")
def test_P9_a_profile_that_is_not_there_ends_the_start_in_one_line(
    aws_server: AwsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(SettingError, match=r"^AWS credentials cannot be had: .*nobody") as caught:
        asyncio.run(check_and_ask(aws_server.url))
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("nothing")
def test_P9_an_agent_that_cannot_be_one_ends_the_start_in_one_line(
    aws_server: AwsServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.0.1:1/")
    with pytest.raises(SettingError, match=r"^AWS credentials cannot be had: .*") as caught:
        asyncio.run(check_and_ask(aws_server.url))
    assert "\n" not in str(caught.value)
    assert caplog.records == []


@pytest.mark.usefixtures("nothing")
def test_P9_without_any_the_start_is_refused_in_one_line(aws_server: AwsServer) -> None:
    with pytest.raises(SettingError, match="no AWS credentials: ") as caught:
        asyncio.run(check_and_ask(aws_server.url))
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("nothing")
def test_P9_a_region_that_cannot_be_one_ends_the_start_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    async def main() -> None:
        async with connect(region="eu west 1", queue_urls=["https://sqs.example/q"]):
            pass

    with pytest.raises(SettingError, match=r"^AWS cannot be asked: .*'eu west 1'") as caught:
        asyncio.run(main())
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("nothing")
def test_without_any_a_call_is_an_aws_error(aws_server: AwsServer) -> None:
    async def main() -> None:
        async with connect(region=REGION, queue_urls=[], endpoint_url=aws_server.url) as client:
            with pytest.raises(AwsError, match="NoCredentialsError"):
                await client.instances.describe(["i-0123456789abcdef0"])

    asyncio.run(main())


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
@pytest.mark.usefixtures("nothing")
def test_P9_sts_is_asked_in_the_region(region: str) -> None:
    async def main() -> None:
        async with aws._session(region).create_client(
            "sts", aws_access_key_id="key", aws_secret_access_key="secret"
        ) as client:
            assert client.meta.endpoint_url == f"https://sts.{region}.amazonaws.com"

    asyncio.run(main())


@pytest.mark.parametrize(
    ("queue_url", "region", "endpoints"),
    [
        (
            "https://sqs.eu-west-1.amazonaws.com/1/q",
            "eu-west-1",
            [
                "https://sqs.eu-west-1.amazonaws.com",
                "https://ec2.eu-west-1.amazonaws.com",
                "https://autoscaling.eu-west-1.amazonaws.com",
            ],
        ),
        (
            "https://sqs.cn-north-1.amazonaws.com.cn/1/q",
            "cn-north-1",
            [
                "https://sqs.cn-north-1.amazonaws.com.cn",
                "https://ec2.cn-north-1.amazonaws.com.cn",
                "https://autoscaling.cn-north-1.amazonaws.com.cn",
            ],
        ),
        (
            "https://vpce-1-a.sqs.us-gov-west-1.vpce.amazonaws.com/1/q",
            "us-gov-west-1",
            [
                "https://vpce-1-a.sqs.us-gov-west-1.vpce.amazonaws.com",
                "https://ec2.us-gov-west-1.amazonaws.com",
                "https://autoscaling.us-gov-west-1.amazonaws.com",
            ],
        ),
    ],
)
def test_needs_W36_each_service_is_asked_in_the_region_and_sqs_at_the_host_of_the_queue(
    monkeypatch: pytest.MonkeyPatch, nothing: Path, queue_url: str, region: str, endpoints: list[str]
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    async def main() -> None:
        async with connect(region=region, queue_urls=[queue_url]) as client:
            services = (
                client.queue(queue_url)._service,
                client.instances._service,
                client.hooks._service,
            )
            assert [service._client.meta.endpoint_url for service in services] == endpoints
            assert {service._client.meta.region_name for service in services} == {region}

    asyncio.run(main())
