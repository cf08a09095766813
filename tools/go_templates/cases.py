"""The inputs of the golden corpus: data, and templates as people write them, and as they might."""

from dataclasses import dataclass
from typing import Any

from nth.settings.words import WEBHOOK_TEMPLATE
from tools.go_templates.functions import FUNCTION_TEMPLATES
from tools.go_templates.language import LANGUAGE_TEMPLATES


@dataclass(frozen=True)
class Data:
    """The data of a template."""

    kind: str
    """`webhook`: the original's struct, of Metadata and Event; `json`: any value, its numbers are floats."""
    data: Any


@dataclass(frozen=True)
class Case:
    """One template with one data set."""

    name: str
    data: str
    template: str


METADATA = {
    "accountId": "123456789012",
    "instanceId": "i-0123456789abcdef0",
    "instanceLifeCycle": "spot",
    "instanceType": "m6i.2xlarge",
    "publicHostname": "ec2-52-1-2-3.eu-west-1.compute.amazonaws.com",
    "publicIp": "52.1.2.3",
    "localHostname": "ip-10-0-12-34.eu-west-1.compute.internal",
    "privateIp": "10.0.12.34",
    "availabilityZone": "eu-west-1b",
    "region": "eu-west-1",
}
LABELS = {
    "beta.kubernetes.io/os": "linux",
    "eks.amazonaws.com/nodegroup": "web-spot",
    "node.kubernetes.io/instance-type": "m6i.2xlarge",
    "topology.kubernetes.io/region": "eu-west-1",
    "topology.kubernetes.io/zone": "eu-west-1b",
    "team": "R&D <platform>",
}
SPOT = {
    "EventID": "spot-itn-8f2a31f0c1",
    "Kind": "SPOT_ITN",
    "Monitor": "SPOT_ITN_MONITOR",
    "Description": "Spot ITN received. Instance will be interrupted at 2026-11-22T08:32:00Z \n",
    "NodeName": "ip-10-0-12-34.eu-west-1.compute.internal",
    "NodeLabels": LABELS,
    "Pods": ["default/web-5d9c7b-x2x9q", "default/cart-0", "kube-system/coredns-7f"],
    "StartTime": "2026-11-22T08:32:00Z",
}
MAINTENANCE = {
    "EventID": "instance-event-0d59937288b749b32",
    "Kind": "SCHEDULED_EVENT",
    "Monitor": "SQS_MONITOR",
    "Description": 'system-reboot will occur "soon" because of <hardware> & \\wear\\ — grüße 日本\t\n',
    "State": "active",
    "AutoScalingGroupName": "web-asg",
    "NodeName": "ip-10-0-12-35.eu-west-1.compute.internal",
    "InstanceID": "i-0fedcba9876543210",
    "ProviderID": "aws:///eu-west-1b/i-0fedcba9876543210",
    "InstanceType": "c5.large",
    "IsManaged": True,
    "StartTime": "2019-01-21T09:00:43.5Z",
    "EndTime": "2019-01-21T09:17:23Z",
    "InProgress": True,
}
VALUES = {
    "s": "hello World_fooBar HTTPServer2xx",
    "e": "",
    "n": 3,
    "f": 1.5,
    "big": 1234567,
    "neg": -2.5,
    "t": True,
    "z": None,
    "u": "Grüße, 日本 «q» \t\x7f",
    "l": [1, "a", None, {"k": "v<&>"}, [1, 2]],
    "lst": ["b", "a", "c", "a"],
    "m": {"b": 1, "a": {"x": "y"}},
    "em": {},
    "el": [],
}
HOSTILE = {
    **SPOT,
    "EventID": "<!channel> <http://evil|text> & @here [text](http://evil)",
    "Description": '<@U1> "quoted" <b>\n',
}
DATA = {
    "hostile": Data("webhook", {"Metadata": METADATA, "Event": HOSTILE}),
    "spot": Data("webhook", {"Metadata": METADATA, "Event": SPOT}),
    "maintenance": Data("webhook", {"Metadata": {}, "Event": MAINTENANCE}),
    "nothing": Data("webhook", {"Metadata": {}, "Event": {}}),
    "values": Data("json", VALUES),
}
"""With `nothing` the original checks templates at the start."""
ORIGINAL_DEFAULT = (
    '{"text":"[NTH][Instance Interruption] EventID: {{ .EventID }} - Kind: {{ .Kind }} - Instance: '
    "{{ .InstanceID }} - Node: {{ .NodeName }} - Description: {{ .Description }} - Start Time: "
    '{{ .StartTime }}"}'
)
SLACK = """{
  "blocks": [
    {"type": "header",
     "text": {"type": "plain_text", "text": {{ printf "%s: %s" .Kind .NodeName | quote }}}},
    {"type": "section", "fields": [
      {{- range $i, $f := list (list "Instance" .InstanceID) (list "Type" .InstanceType) \
(list "Zone" .AvailabilityZone) (list "Starts" (.StartTime | date "15:04:05 MST")) }}
      {{- if $i }},{{ end }}
      {"type": "mrkdwn", "text": {{ printf "*%s*\\n%v" (first $f) (last $f | default "unknown") | toJson }}}
      {{- end }}
    ]}
    {{- with .Pods }},
    {"type": "section", "text": {"type": "mrkdwn", "text": {{ printf "*%d pods*\\n• %s" (len .) \
(join "\\n• " .) | toJson }}}}
    {{- end }}
  ]
}"""
TEAMS = """{{- $colour := "0076D7" }}
{{- if eq .Kind "SPOT_ITN" "ASG_LIFECYCLE" }}{{ $colour = "D70000" }}{{ end -}}
{"@type": "MessageCard", "@context": "https://schema.org/extensions", "themeColor": {{ $colour | quote }},
 "summary": {{ trim .Description | toJson }},
 "sections": [{"activityTitle": {{ .NodeName | toJson }}, "facts": [
{{- range $name, $value := dict "Account" .AccountId "Kind" (.Kind | replace "_" " " | title) \
"Nodegroup" (index .NodeLabels "eks.amazonaws.com/nodegroup") }}
  {{- if $value }}
  {"name": {{ $name | toJson }}, "value": {{ $value | toJson }}},
  {{- end }}
{{- end }}
  {"name": "Start", "value": {{ dateInZone "2006-01-02T15:04:05Z07:00" .StartTime "UTC" | quote }}}
]}]}"""
PAGERDUTY = """{"routing_key": "KEY", "event_action": "trigger",
"dedup_key": {{ .EventID | sha256sum | quote }},
"payload": {"summary": {{ .Description | trim | trunc 1024 | toJson }}, "source": {{ .NodeName | toJson }},
"severity": {{ if eq .Kind "REBALANCE_RECOMMENDATION" }}"info"{{ else if eq .Kind "SCHEDULED_EVENT" -}}
"warning"{{ else }}"critical"{{ end }}, "timestamp": {{ .StartTime | toJson }},
"custom_details": {{ dict "labels" .NodeLabels "pods" .Pods "managed" .IsManaged | toRawJson }}}}"""
WEBHOOK_TEMPLATES = {
    "our default": WEBHOOK_TEMPLATE,
    "the original's default": ORIGINAL_DEFAULT,
    "the original's test": ORIGINAL_DEFAULT.replace(
        ".EventID }}", '.EventID | trimPrefix "event" }}'
    ).replace(".Kind }}", ".Kind | lower }}"),
    "slack blocks": SLACK,
    "teams card": TEAMS,
    "pagerduty": PAGERDUTY,
    "all as json": "{{ toJson . }}",
    "all as pretty json": "{{ toPrettyJson . }}",
    "all printed": "{{ . }}",
    "all printed with names": '{{ printf "%+v" . }}',
    "labels as json": '{"labels": {{ .NodeLabels | toJson }}}',
    "pods one by one": '[{{ range $i, $p := .Pods }}{{ if $i }}, {{ end }}"{{ $p }}"{{ else }}none{{ end }}]',
    "pods by namespace": (
        '{{ range .Pods }}{{ $p := splitList "/" . }}{{ first $p }}: {{ last $p }}\n{{ end }}'
    ),
    "labels one by one": "{{ range $k, $v := .NodeLabels }}{{ $k }}={{ $v | html }}\n{{ end }}",
    "a label": '{{ index .NodeLabels "topology.kubernetes.io/zone" | default "no zone" }}',
    "a label that may be missing": "{{ .NodeLabels.team }} {{ .NodeLabels.nothing }}",
    "kind": (
        '{{ if eq .Kind "SPOT_ITN" }}spot{{ else if eq .Kind "SCHEDULED_EVENT" }}plan{{ else }}?{{ end }}'
    ),
    "embedded structs": (
        "{{ .NodeMetadata.InstanceID }} {{ .InterruptionEvent.InstanceID }} {{ .InstanceID }}"
    ),
    "dates": '{{ .StartTime.Format "Mon, 02 Jan 2006 15:04:05 -0700" }} {{ .StartTime | htmlDate }} '
    '{{ .StartTime.Unix }} {{ date "3:04PM" .EndTime }} {{ .StartTime | unixEpoch }} {{ .EndTime.IsZero }}',
    "how long": "{{ .EndTime.Sub .StartTime }} {{ (.EndTime.Sub .StartTime).Minutes }}",
    "an hour before": '{{ .StartTime | dateModify "-1h" }} {{ (.StartTime.Add 60000000000).Minute }}',
    "plain text": (
        "Node {{ .NodeName | upper }}{{- /* no zone */ -}}\n{{ .Description | indent 4 }}{{ .State | quote }}"
    ),
    "url": "https://wiki/?q={{ .NodeName | urlquery }}&d={{ urlquery .Description }}",
    "javascript": "alert('{{ js .Description }}')",
    "abbreviated": (
        "{{ .Description | trim | abbrev 20 }}|{{ .NodeName | trunc 10 }}|{{ .NodeName | "
        'regexFind "[0-9-]+" }}'
    ),
    "bools": (
        "{{ .IsManaged }} {{ .InProgress | not }} {{ and .IsManaged .InProgress }} {{ "
        "ternary 1 2 .IsManaged }}"
    ),
    "types": '{{ printf "%T %T %T %T" . .NodeLabels .Pods .StartTime }} {{ kindOf . }} {{ typeOf .Pods }}',
    "nested definitions": '{{ define "row" }}<{{ template "cell" .k }}={{ template "cell" .v }}>{{ end }}'
    '{{ define "cell" }}{{ . | default "-" }}{{ end }}'
    '{{ template "row" dict "k" "node" "v" .NodeName }}{{ template "row" dict "k" '
    '"asg" "v" .AutoScalingGroupName }}',
    "a block": '{{ block "title" .Kind }}[{{ . }}]{{ end }} {{ template "title" .Monitor }}',
    "an unknown field": "{{ .cat }}",
    "an unknown field in a branch": '{{ if eq .Kind "SPOT_ITN" }}{{ .cat }}{{ end }}',
    "labels are no dict": '{{ get .NodeLabels "team" }}',
    "unfinished": "{{ ",
    "the first pod": "{{ index .Pods 0 }}",
    "pods cut": '{{ slice .Pods 0 2 | join ", " }} {{ .Pods | rest }} {{ .Pods | initial | toJson }}',
}
REFUSED_BY_US = {
    "env": '{{ env "HOME" | empty }}',
    "expandenv": '{{ expandenv "$HOME" | len | lt 100 }}',
    "uuidv4": "{{ uuidv4 | len }}",
    "randAlphaNum": "{{ randAlphaNum 5 | len }}",
    "semverCompare": '{{ semverCompare "^1.2" "1.3.0" }}',
    "urlParse": '{{ (urlParse "http://a/b").host }}',
    "genPrivateKey": '{{ genPrivateKey "ed25519" | empty }}',
}
"""Functions that Go renders, and that we refuse by name."""
CASES = [
    Case("our default, hostile", "hostile", WEBHOOK_TEMPLATE),
    *(
        Case(f"{name}, {data}", data, template)
        for name, template in WEBHOOK_TEMPLATES.items()
        for data in ("spot", "maintenance", "nothing")
    ),
    *(Case(f"refused by us: {name}", "nothing", each) for name, each in REFUSED_BY_US.items()),
    *(Case(f"language {number}", "values", each) for number, each in enumerate(LANGUAGE_TEMPLATES, 1)),
    *(Case(f"functions {number}", "values", each) for number, each in enumerate(FUNCTION_TEMPLATES, 1)),
]
