"""The guides name what there is: the same actions and settings as the rest."""

import re
from dataclasses import fields

from nth.settings import Settings
from tests.deploy.sources import (
    GUIDE,
    HOOKS_TEMPLATE,
    PERMISSIONS,
    QUEUE_TEMPLATE,
    actions,
    called_actions,
    described_operations,
    mentioned_operations,
    patterns,
    quoted,
    resources,
    table,
    template,
)


def test_C14_the_adapter_the_policy_and_the_table_name_the_same_actions() -> None:
    (policy,) = resources("AWS::IAM::ManagedPolicy").values()
    allowed = actions(policy["PolicyDocument"])

    assert allowed == called_actions() | {"kms:Decrypt"}
    assert sorted(name for row in table("## IAM", PERMISSIONS) for name in quoted(row[0])) == sorted(allowed)


def test_the_adapter_calls_all_that_it_describes() -> None:
    assert described_operations() - mentioned_operations() == set()


def test_every_event_with_a_rule_is_in_the_table() -> None:
    told = [row[0] for row in table("## What is read")]

    for pattern in patterns():
        (detail_type,) = pattern["detail-type"]
        assert [text for text in told if text.startswith(detail_type)], detail_type


def test_every_setting_that_is_named_exists() -> None:
    known = {each.metadata["variable"] or each.name.upper() for each in fields(Settings)}
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`", GUIDE.read_text() + PERMISSIONS.read_text()))

    assert len(named) > 20
    assert named - known == set()


def test_every_parameter_and_output_that_is_named_exists() -> None:
    named = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)+)`", GUIDE.read_text() + PERMISSIONS.read_text()))
    named |= set(re.findall(r"--parameter-overrides (\w+)=|<output (\w+)>", GUIDE.read_text())[0]) - {""}
    known = {*template(QUEUE_TEMPLATE)["Parameters"], *template(QUEUE_TEMPLATE)["Outputs"]}
    known |= set(template(HOOKS_TEMPLATE)["Parameters"])

    assert {"ClusterName", "KmsKeyArn", "HandlerPolicyArn"} <= named
    theirs = {"ApproximateNumberOfMessagesVisible", "FailedInvocations", "HttpPutResponseHopLimit"}
    theirs |= {"DisruptionTarget", "NodeTerminationPodsLost", "RuntimeDefault"}
    assert named - known == theirs


def test_its_figures_are_the_template_s() -> None:
    parameters = template(QUEUE_TEMPLATE)["Parameters"]
    text = GUIDE.read_text()

    assert f"after {parameters['MaxReceiveCount']['Default']} deliveries" in " ".join(text.split())
    assert parameters["RetentionSeconds"]["Default"] == 48 * 3600
    assert "keeps messages for 48 hours" in text
