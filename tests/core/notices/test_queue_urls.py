"""URLs of queues as AWS gives them out, in every partition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nth.core.notices.queue_urls import account_of, region_of

HOSTS = {
    "sqs.eu-west-1.amazonaws.com": "eu-west-1",
    "sqs.cn-northwest-1.amazonaws.com.cn": "cn-northwest-1",
    "sqs.us-gov-west-1.amazonaws.com": "us-gov-west-1",
    "sqs.us-iso-east-1.c2s.ic.gov": "us-iso-east-1",
    "sqs.us-isob-east-1.sc2s.sgov.gov": "us-isob-east-1",
    "sqs.eu-isoe-west-1.cloud.adc-e.uk": "eu-isoe-west-1",
    "sqs.us-isof-south-1.csp.hci.ic.gov": "us-isof-south-1",
    "sqs.eusc-de-east-1.amazonaws.eu": "eusc-de-east-1",
    "sqs.xx-lunar-12.amazonaws.com": "xx-lunar-12",
    "sqs-fips.us-east-2.amazonaws.com": "us-east-2",
    "sqs.us-west-2.api.aws": "us-west-2",
    "sqs-fips.us-west-2.api.aws": "us-west-2",
    "sqs.cn-north-1.api.amazonwebservices.com.cn": "cn-north-1",
    "vpce-0a1b2c-3d4e.sqs.ap-southeast-2.vpce.amazonaws.com": "ap-southeast-2",
    "vpce-0a1b2c-3d4e-us-east-1a.sqs.us-east-1.vpce.amazonaws.com": "us-east-1",
    "ap-northeast-1.queue.amazonaws.com": "ap-northeast-1",
    "cn-north-1.queue.amazonaws.com.cn": "cn-north-1",
    "queue.amazonaws.com": "us-east-1",
    "SQS.EU-West-1.AmazonAWS.com": "eu-west-1",
    "sqs.eu-west-1.amazonaws.com.:443": "eu-west-1",
    "localhost:5000": "",
    "127.0.0.1": "",
    "[::1]:5000": "",
    "sqs.amazonaws.com": "",
    "sqs.local.amazonaws.com": "",
    "sqs.eu-west-1": "",
    "eu-west-1.example.com": "",
    "notsqs.eu-west-1.amazonaws.com": "",
    "evil.queue.amazonaws.com": "",
}


@pytest.mark.parametrize(("host", "region"), HOSTS.items())
def test_needs_W36_the_region_is_the_one_that_the_host_names(host: str, region: str) -> None:
    assert region_of(f"https://{host}/123456789012/nodes") == region


def test_needs_W36_a_queue_named_after_another_region_does_not_win() -> None:
    url = "https://sqs.eu-west-1.amazonaws.com/123456789012/us-east-1"
    assert region_of(url) == "eu-west-1"
    assert region_of("http://localhost:5000/123456789012/sqs.us-east-1.amazonaws.com") == ""
    assert region_of("http://localhost:5000/?host=sqs.us-east-1.amazonaws.com") == ""


@pytest.mark.parametrize(
    ("url", "account"),
    [
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/nodes", "123456789012"),
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/nodes.fifo/", "123456789012"),
        ("http://localhost:5000/123456789012/999999999999", "123456789012"),
        ("http://localhost:4566/queue/us-east-1/000000000000/nodes", "000000000000"),
        ("https://queue.amazonaws.com/queue/nodes", ""),
        ("https://queue.amazonaws.com/1234567890123/nodes", ""),
        ("https://queue.amazonaws.com/123456789012", ""),
        ("https://queue.amazonaws.com", ""),
        ("nodes", ""),
        ("", ""),
        ("https://[bad/123456789012/nodes", ""),
    ],
)
def test_the_account_comes_from_the_path(url: str, account: str) -> None:
    assert account_of(url) == account


@given(st.text() | st.text(alphabet="htps:/[]@.?#0123456789abc-"))
def test_no_text_is_too_strange(text: str) -> None:
    assert region_of(text) == ""
    account_of(text)
