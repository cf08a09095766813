"""deploy/aws/terraform makes the same as the CloudFormation templates, as Terraform evaluates it."""

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.sources import (
    HOOKS_TEMPLATE,
    QUEUE_TEMPLATE,
    TERRAFORM,
    actions,
    as_json,
    patterns,
    resources,
    statements,
    template,
)
from tests.deploy.terraform import ACCOUNT, apply, is_installed, terraform

TEXT = "\n".join(path.read_text() for path in sorted(TERRAFORM.glob("*.tf")))
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"
QUEUE_ARN = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:aws-node-termination-handler"

MISSING = (
    "terraform 1.3 or newer is not on the PATH: install it, or let Go build it, which takes minutes: "
    "GOBIN=<a folder on the PATH> go install github.com/hashicorp/terraform@v1.5.7 "
    "(of later versions Go builds none like that)"
)

Made = Mapping[str, Any]


@pytest.fixture(scope="module")
def installed() -> None:
    """Without Terraform the test is skipped; in CI, where nothing is skipped, it fails."""
    if is_installed():
        return
    if os.environ.get("CI"):
        pytest.fail(MISSING, pytrace=False)
    pytest.skip(MISSING)


@pytest.fixture(scope="module")
def plain(installed: None, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """With the defaults, and one group."""
    return apply(tmp_path_factory.mktemp("plain"), auto_scaling_groups=["blue-1"])


@pytest.fixture(scope="module")
def full(installed: None, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """With everything that can be had."""
    return apply(
        tmp_path_factory.mktemp("full"),
        auto_scaling_groups=["blue-1", "blue-2"],
        completable_groups="blue-*",
        launch_hook={},
        kms_key_arn="arn:key",
        sns_topic_arns=["arn:topic"],
        cluster_name="blue",
        oidc_provider_arn=PROVIDER,
        namespace="infra",
        service_account="nth",
    )


@pytest.fixture(scope="module")
def keyed(installed: None, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """With a key that is made here, and all groups."""
    folder = tmp_path_factory.mktemp("keyed")
    return apply(folder, create_key=True, completable_groups="*", sns_topic_arns=["arn:topic"])


@pytest.mark.usefixtures("installed")
def test_terraform_likes_its_form(tmp_path: Path) -> None:
    for path in TERRAFORM.glob("*.tf"):
        shutil.copy(path, tmp_path)

    assert terraform("fmt", "-check", cwd=tmp_path) == ""


def test_the_text_names_the_same_kinds_and_actions() -> None:
    (policy,) = resources("AWS::IAM::ManagedPolicy").values()
    (sending,) = resources("AWS::SQS::QueuePolicy").values()
    (key,) = resources("AWS::KMS::Key").values()

    kinds = re.findall(r'detail-type\s*= \["([^"]+)"\]', TEXT)
    assert sorted(kinds) == sorted(each["detail-type"][0] for each in patterns())
    named = set(re.findall(r'"((?:sqs|ec2|autoscaling|kms):[A-Za-z*]+)"', TEXT))
    documents = (policy["PolicyDocument"], sending["PolicyDocument"], key["KeyPolicy"])
    assert named == set().union(*map(actions, documents))


def test_the_rules_match_the_same_events(plain: Made, full: Made) -> None:
    for made, expected in (
        (plain, [each for each in patterns() if "launch" not in each["detail-type"][0]]),
        (full, patterns()),
    ):
        rules = made["aws_cloudwatch_event_rule.rule"]
        assert sorted(as_json(rule["event_pattern"]) for rule in rules.values()) == sorted(
            map(as_json, expected)
        )
        targets = made["aws_cloudwatch_event_target.queue"]
        assert {name: each["rule"] for name, each in targets.items()} == {
            name: each["name"] for name, each in rules.items()
        }
        assert {each["arn"] for each in targets.values()} == {QUEUE_ARN}


def test_the_queues_are_the_same(plain: Made, full: Made) -> None:
    parameters = template(QUEUE_TEMPLATE)["Parameters"]
    cfn, cfn_dead = (resources("AWS::SQS::Queue")[name] for name in ("Queue", "DeadLetterQueue"))
    queue, dead = plain["aws_sqs_queue.queue"], plain["aws_sqs_queue.dead_letter"]

    assert queue["message_retention_seconds"] == parameters["RetentionSeconds"]["Default"]
    assert queue["visibility_timeout_seconds"] == cfn["VisibilityTimeout"]
    assert queue["receive_wait_time_seconds"] == cfn["ReceiveMessageWaitTimeSeconds"]
    assert dead["message_retention_seconds"] == cfn_dead["MessageRetentionPeriod"]
    assert queue["redrive_policy"] == {
        "deadLetterTargetArn": f"{QUEUE_ARN}-dead-letter",
        "maxReceiveCount": parameters["MaxReceiveCount"]["Default"],
    }
    for name in ("aws_sqs_queue.queue", "aws_sqs_queue.dead_letter"):
        assert plain[name]["sqs_managed_sse_enabled"] is True
        assert "kms_master_key_id" not in plain[name]
        assert full[name]["kms_master_key_id"] == "arn:key"
        assert "sqs_managed_sse_enabled" not in full[name]


def test_only_its_rules_and_the_named_topics_may_send(plain: Made, full: Made) -> None:
    said = statements(full["aws_sqs_queue_policy.queue"]["policy"])
    rules = full["aws_cloudwatch_event_rule.rule"].values()

    senders = said["EventBridge"]["Condition"]["ArnEquals"]["aws:SourceArn"]
    own_account = said["EventBridge"]["Condition"]["StringEquals"]
    assert own_account == {"aws:SourceAccount": ACCOUNT}
    prefix = f"arn:aws:cloudwatch:eu-west-1:{ACCOUNT}:"
    assert senders == [prefix + rule["name"] for rule in rules]
    assert said["Topics"]["Condition"] == {"ArnEquals": {"aws:SourceArn": ["arn:topic"]}}
    assert {each["Resource"] for each in said.values()} == {QUEUE_ARN}
    assert set(statements(plain["aws_sqs_queue_policy.queue"]["policy"])) == set(said) - {"Topics"}


def test_the_handler_may_do_the_same(plain: Made, full: Made) -> None:
    (cfn,) = resources("AWS::IAM::ManagedPolicy").values()
    expected = {sid: each["Action"] for sid, each in statements(cfn["PolicyDocument"]).items()}
    said = statements(full["aws_iam_policy.handler"]["policy"])

    assert {sid: each["Action"] for sid, each in said.items()} == expected
    assert {sid: each["Resource"] for sid, each in said.items()} == {
        "Queue": QUEUE_ARN,
        "Hooks": f"arn:aws:autoscaling:eu-west-1:{ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/blue-*",
        "LookUps": "*",
        "Key": "arn:key",
    }
    assert set(statements(plain["aws_iam_policy.handler"]["policy"])) == set(expected) - {"Key"}


def test_safe_1_hooks_are_completed_for_tagged_or_named_groups_and_for_all_only_if_asked(
    plain: Made, full: Made, keyed: Made
) -> None:
    (cfn,) = resources("AWS::IAM::ManagedPolicy").values()
    tagged = statements(cfn["PolicyDocument"])["Hooks"]["Condition"]["Fn::If"][2]
    arn = f"arn:aws:autoscaling:eu-west-1:{ACCOUNT}:autoScalingGroup:*:autoScalingGroupName"

    for made, names, condition in ((plain, "*", tagged), (full, "blue-*", None), (keyed, "*", None)):
        hooks = statements(made["aws_iam_policy.handler"]["policy"])["Hooks"]
        assert (hooks["Resource"], hooks.get("Condition")) == (f"{arn}/{names}", condition)


def test_safe_10_a_key_of_its_own_is_used_for_our_rules_and_topics_alone(
    plain: Made, full: Made, keyed: Made
) -> None:
    (cfn,) = resources("AWS::KMS::Key").values()
    expected = {sid: each["Action"] for sid, each in statements(cfn["KeyPolicy"]).items()}
    (key,) = keyed["aws_kms_key.queues"]
    said = statements(key["policy"])

    assert plain["aws_kms_key.queues"] == full["aws_kms_key.queues"] == []
    assert {sid: each["Action"] for sid, each in said.items()} == expected
    assert said["Account"]["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    rules = keyed["aws_cloudwatch_event_rule.rule"].values()
    assert said["EventBridge"]["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnEquals": {
            "aws:SourceArn": [f"arn:aws:cloudwatch:eu-west-1:{ACCOUNT}:{rule['name']}" for rule in rules]
        },
    }
    assert said["Topics"]["Condition"] == {"ArnEquals": {"aws:SourceArn": ["arn:topic"]}}
    queue, dead = keyed["aws_sqs_queue.queue"], keyed["aws_sqs_queue.dead_letter"]
    used = statements(keyed["aws_iam_policy.handler"]["policy"])["Key"]["Resource"]
    assert queue["kms_master_key_id"] == dead["kms_master_key_id"] == used
    assert used.startswith("arn:aws:kms:")
    assert "sqs_managed_sse_enabled" not in queue


@pytest.mark.usefixtures("installed")
def test_safe_10_a_key_of_its_own_and_a_named_one_are_refused_together(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="zero or one elements"):
        apply(tmp_path, create_key=True, kms_key_arn="arn:key")


def test_each_group_has_the_same_hooks(plain: Made, full: Made) -> None:
    parameters = template(HOOKS_TEMPLATE)["Parameters"]
    for kind, cfn in resources("AWS::AutoScaling::LifecycleHook", HOOKS_TEMPLATE).items():
        hooks = full[f"aws_autoscaling_lifecycle_hook.{kind.lower()}"]
        assert list(hooks) == ["blue-1", "blue-2"]
        for group, hook in hooks.items():
            assert hook == {
                "autoscaling_group_name": group,
                "name": cfn["LifecycleHookName"],
                "lifecycle_transition": cfn["LifecycleTransition"],
                "heartbeat_timeout": parameters[f"{kind}TimeoutSeconds"]["Default"],
                "default_result": parameters[f"{kind}DefaultResult"]["Default"],
            }
    assert list(plain["aws_autoscaling_lifecycle_hook.termination"]) == ["blue-1"]
    assert plain["aws_autoscaling_lifecycle_hook.launch"] == {}


def test_roles_only_if_asked_and_for_one_service_account(plain: Made, full: Made) -> None:
    for kind in ("pod_identity", "irsa"):
        assert plain[f"aws_iam_role.{kind}"] == plain[f"aws_iam_role_policy_attachment.{kind}"] == []
        ((role,), (attached,)) = (
            full[f"aws_iam_role.{kind}"],
            full[f"aws_iam_role_policy_attachment.{kind}"],
        )
        assert attached["role"] == role["name"]
    assert plain["aws_eks_pod_identity_association.handler"] == []

    conditions = [
        full[f"aws_iam_role.{kind}"][0]["assume_role_policy"]["Statement"][0]["Condition"]["StringEquals"]
        for kind in ("pod_identity", "irsa")
    ]
    assert conditions == [
        {
            "aws:RequestTag/eks-cluster-name": "blue",
            "aws:RequestTag/kubernetes-namespace": "infra",
            "aws:RequestTag/kubernetes-service-account": "nth",
        },
        {
            "oidc.eks.eu-west-1.amazonaws.com/id/ABC:aud": "sts.amazonaws.com",
            "oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub": "system:serviceaccount:infra:nth",
        },
    ]
