"""The words that settings may have, where they are not plain texts or numbers, and their long defaults."""

from dataclasses import replace
from typing import Final, Literal

from nth.settings.kinds import Kind, choice, integer, several

LogLevel = Literal["DEBUG", "INFO", "WARN", "WARNING", "ERROR"]
TaintEffect = Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]
ForcePolicy = Literal["deadline", "never"]
DrainAt = Literal["notice", "start"]
Action = Literal["default", "ignore", "notify", "cordon", "drain"]
HookResult = Literal["CONTINUE", "ABANDON"]
Policy = Literal["delete", "leave"]

# One line of Slack text, in which no field can mention or link: the first three are Slack's own escapes
# (https://docs.slack.dev/messaging/formatting-message-text#escaping), the others are for readers of the same
# JSON as Markdown. toJson quotes it: a description may hold quotes and line breaks.
WEBHOOK_TEMPLATE = (
    '{"text": {{ printf "[NTH][Instance Interruption] EventID: %s - Kind: %s - Instance: %s - Node: %s'
    ' - Description: %s - Start Time: %s" .EventID .Kind .InstanceID .NodeName (trim .Description) .StartTime'
    ' | replace "&" "&amp;" | replace "<" "&lt;" | replace ">" "&gt;" | replace "@" "\uff20"'
    ' | replace "](" "] (" | toJson }} }'
)
FORMAT_VERSION = replace(
    integer(-(10**18), 10**18), allowed="1 or 2; another number counts as the nearer of these"
)
ACTION: Final[Kind[Action]] = choice("default", "ignore", "notify", "cordon", "drain")
MANAGED_TAG = "aws-node-termination-handler/managed"
PHASES = several(
    "received", "cordoned", "drained", "forced", "waiting", "failed", "cancelled", "replaced", "unknown"
)

KUBE_API_QPS = 200
KUBE_API_BURST = 400
NO_LIMIT_SECONDS = 3600
"""A drain's time where the user wants no limit: the time that a lifecycle hook has, unless said otherwise.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks-overview.html
"""
