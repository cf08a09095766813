"""The values of the pods and of their service account."""

from typing import Final

from nth.settings.kinds import PORT, URL_PATH, integer
from tools.chart.values import Value, flag, items, mapping, text, words

IMAGE: Final = (
    text(
        "image.repository",
        "The image. Say where you have pushed yours; docs/image.md tells how to build it.",
        "public.ecr.aws/aws-ec2/aws-node-termination-handler",
    ),
    text("image.tag", "Its tag; empty: v and the chart's appVersion."),
    Value(
        "image.pullPolicy",
        "IfNotPresent",
        "When the kubelet pulls it.",
        {"enum": ["Always", "IfNotPresent", "Never"]},
    ),
    Value(
        "image.pullSecrets",
        [],
        "Secrets to pull it with, e.g. [{name: mine}].",
        {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string"}},
                "additionalProperties": False,
            },
        },
    ),
    text("nameOverride", "Instead of the chart's name in names and labels."),
    text("fullnameOverride", "Instead of the release's and the chart's name in the objects' names."),
    words("customLabels", "Labels for every object, but not for pods."),
)
ACCOUNT: Final = (
    flag("serviceAccount.create", "Create the service account.", default=True),
    text("serviceAccount.name", "Its name; empty: the full name, or default if it is not created."),
    words(
        "serviceAccount.annotations",
        "Its annotations. For IRSA: eks.amazonaws.com/role-arn: arn:aws:iam::111122223333:role/my-role",
    ),
    flag("rbac.create", "Create roles with the rules that these values need, and bind them.", default=True),
    flag(
        "rbac.readControllers",
        "Let it read how many pods a ReplicaSet, StatefulSet or Job wants, when replacements are missing.",
        default=True,
    ),
    flag(
        "rbac.pspEnabled",
        "Accepted, and has no effect: Kubernetes has no PodSecurityPolicy since 1.25.",
        default=True,
    ),
    flag(
        "admissionPolicy.create",
        "Metadata mode only. Create a ValidatingAdmissionPolicy: a pod's token then changes its own node and "
        "that node's pods alone, but for evictions. Needs Kubernetes 1.32 or later, and its own account.",
    ),
)
# The handler needs it, too: its port must be a number.
_ASKED: Final = {
    "type": "object",
    "properties": {"path": URL_PATH.schema, "port": PORT.schema},
    "required": ["path", "port"],
}
_VARIABLE: Final = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "value": {"type": "string"},
        "valueFrom": {"type": "object"},
    },
    "required": ["name"],
    "additionalProperties": False,
}
PROBES: Final = (
    Value(
        "probes",
        {"httpGet": {"path": "/healthz", "port": 8080}, "initialDelaySeconds": 5, "periodSeconds": 5},
        "The liveness probe; port and path are what the handler serves. In queue mode it is always on, in "
        "metadata mode with enableProbesServer.",
        {"type": "object", "properties": {"httpGet": _ASKED}},
    ),
    mapping(
        "readinessProbe",
        "The readiness probe, wherever the liveness probe is on; it asks /readyz on the same port.",
        {"periodSeconds": 5},
    ),
)
PODS: Final = (
    words("podLabels", "More labels for pods."),
    words("podAnnotations", "Annotations for pods."),
    mapping(
        "podSecurityContext",
        "The pods' security context. seccompProfile is RuntimeDefault, unless said here.",
        {"fsGroup": 1000},
    ),
    mapping(
        "securityContext",
        "The container's. All capabilities are dropped, unless said here.",
        {
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "allowPrivilegeEscalation": False,
            "runAsUser": 1000,
            "runAsGroup": 1000,
        },
    ),
    Value(
        "terminationGracePeriodSeconds",
        "",
        "Seconds that a pod of ours has to end its drains; empty: nodeTerminationGracePeriod and 30 more. "
        "(The original's chart left it at Kubernetes' 30, less than its drains.)",
        {"type": ["integer", "string"], "minimum": 0, "pattern": "^[0-9]*$"},
    ),
    mapping(
        "resources", "Requests and limits. Metadata mode needs 64Mi, queue mode 128Mi (1,000 pods at once)."
    ),
    words(
        "nodeSelector",
        "Only on nodes with these labels, besides kubernetes.io/os. In metadata mode "
        "linuxNodeSelector goes before it, and it before daemonsetNodeSelector.",
    ),
    mapping("affinity", "In metadata mode linuxAffinity goes before it, and it before daemonsetAffinity."),
    items(
        "tolerations",
        "In metadata mode linuxTolerations go before them, and they before daemonsetTolerations.",
    ),
    mapping("dnsConfig", "The pods' DNS settings."),
    Value(
        "extraEnv",
        [],
        "More variables for the container. One that has the name of the chart's own takes its place.",
        {"type": "array", "items": _VARIABLE},
    ),
)
DAEMON_SET: Final = (
    text("targetNodeOs", "Which nodes get a DaemonSet: linux, windows, or both words.", "linux"),
    mapping(
        "updateStrategy",
        "How the DaemonSet is updated.",
        {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%"}},
    ),
    text("daemonsetPriorityClassName", "The priority of its pods.", "system-node-critical"),
    flag(
        "useHostNetwork",
        "Linux pods use the node's network. If false, the metadata service must allow a hop limit of 2 "
        "(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-options.html).",
        default=True,
    ),
    text("dnsPolicy", "The DNS policy, for whatever system; it goes before the next ones."),
    text("linuxDnsPolicy", "The DNS policy of Linux pods.", "ClusterFirstWithHostNet"),
    words("linuxPodLabels", "More labels for Linux pods."),
    words("linuxPodAnnotations", "Annotations for Linux pods."),
    words("daemonsetNodeSelector", "Node selector, where no other is given."),
    words("linuxNodeSelector", "Node selector of Linux pods."),
    mapping(
        "daemonsetAffinity",
        "Affinity, where no other is given.",
        {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [
                        {
                            "matchExpressions": [
                                {
                                    "key": "eks.amazonaws.com/compute-type",
                                    "operator": "NotIn",
                                    "values": ["fargate"],
                                }
                            ]
                        }
                    ]
                }
            }
        },
    ),
    mapping("linuxAffinity", "Affinity of Linux pods."),
    items("daemonsetTolerations", "Tolerations, where no others are given.", ({"operator": "Exists"},)),
    items("linuxTolerations", "Tolerations of Linux pods."),
)
WINDOWS: Final = (
    text(
        "windowsImage.repository",
        "A Windows image of your own. There is none of ours: without it, targetNodeOs=windows creates no "
        "DaemonSet. Queue mode handles Windows nodes from a Linux pod.",
    ),
    text("windowsImage.tag", "Its tag; empty: v and the chart's appVersion."),
    text("windowsDnsPolicy", "The DNS policy of Windows pods.", "ClusterFirst"),
    words("windowsPodLabels", "More labels for Windows pods."),
    words("windowsPodAnnotations", "Annotations for Windows pods."),
    words("windowsNodeSelector", "Node selector of Windows pods."),
    mapping("windowsAffinity", "Affinity of Windows pods."),
    items("windowsTolerations", "Tolerations of Windows pods."),
)
DEPLOYMENT: Final = (
    Value(
        "replicas",
        1,
        "How many replicas share the work. With more than one, they tell each other by Leases that they "
        "live, and are spread over nodes unless topologySpreadConstraints or affinity say otherwise.",
        integer(0).schema,
    ),
    mapping("strategy", "How the Deployment is updated."),
    mapping(
        "podDisruptionBudget",
        "The budget of our own pods, e.g. {maxUnavailable: 1}; created with more than one replica.",
    ),
    text("priorityClassName", "The priority of its pods.", "system-cluster-critical"),
    items("topologySpreadConstraints", "How replicas are spread; empty: over nodes, if possible."),
)
