"""What is logged of a queue's calls that fail."""

import logging

import pytest

from nth.errors import AwsRefused, AwsThrottled, AwsUnreachable, NoSuchQueue
from nth.queue_mode.sqs_trouble import CALM_SECONDS, DELETING, CallTrouble, is_refused


@pytest.fixture
def trouble(caplog: pytest.LogCaptureFixture) -> CallTrouble:
    caplog.set_level(logging.INFO)
    return CallTrouble(DELETING, "https://sqs.eu-west-1.amazonaws.com/1/queue")


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_needs_W14_it_is_told_when_it_begins_and_when_it_is_over(
    trouble: CallTrouble, caplog: pytest.LogCaptureFixture
) -> None:
    for at in (1.0, 2.0, 3.0):
        trouble.failed(AwsUnreachable("refused"), at)
    assert trouble.failures == 3
    trouble.worked(31.0)
    trouble.worked(32.0)
    assert trouble.failures == 0
    assert said(caplog) == [DELETING.failing, DELETING.over]
    url = "https://sqs.eu-west-1.amazonaws.com/1/queue"
    assert [record.__dict__["fields"] for record in caplog.records] == [
        {"queue_url": url, "error": "refused"},
        {"queue_url": url, "seconds": 30.0, "failures": 3},
    ]


def test_needs_W14_calls_that_fail_and_work_in_turn_are_not_told_each_time(
    trouble: CallTrouble, caplog: pytest.LogCaptureFixture
) -> None:
    for n in range(40):
        trouble.failed(AwsThrottled("slow down"), n / 10)
        trouble.worked(n / 10 + 0.05)
    assert said(caplog) == [DELETING.failing, DELETING.over]


def test_needs_W14_trouble_that_comes_back_and_stays_is_told(
    trouble: CallTrouble, caplog: pytest.LogCaptureFixture
) -> None:
    trouble.failed(AwsThrottled("slow down"), 0.0)
    trouble.worked(1.0)
    for at in (2.0, 5.0, 1.0 + CALM_SECONDS, 20.0):
        trouble.failed(AwsThrottled("slow down"), at)
    assert said(caplog) == [DELETING.failing, DELETING.over, DELETING.failing]


def test_a_refusal_is_an_error_with_aws_s_code(
    trouble: CallTrouble, caplog: pytest.LogCaptureFixture
) -> None:
    trouble.failed(AwsRefused("not authorized", code="AccessDenied"), 0.0)
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.ERROR, DELETING.refused_for("AccessDenied"))
    assert record.__dict__["fields"]["code"] == "AccessDenied"


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException", "KmsAccessDenied", "KmsDisabled"])
def test_a_permission_that_is_missing_is_named(code: str) -> None:
    assert DELETING.refused_for(code).endswith(": grant sqs:DeleteMessage")


@pytest.mark.parametrize("code", ["InvalidClientTokenId", "SignatureDoesNotMatch", "InvalidAddress", ""])
def test_where_no_permission_would_help_none_is_asked_for(code: str) -> None:
    """The wrong region is told as a wrong signature."""
    assert "grant" not in DELETING.refused_for(code)
    assert "AWS_REGION" in DELETING.refused_for(code)


def test_a_queue_that_is_gone_is_no_refusal() -> None:
    assert is_refused(AwsRefused("no", code="AccessDenied"))
    assert not is_refused(NoSuchQueue("gone"))
    assert not is_refused(AwsThrottled("slow down"))
