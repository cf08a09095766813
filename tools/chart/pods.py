"""The values of the pods and of their service account."""

from typing import Final

from nth.settings.kinds import PORT, URL_PATH, integer
from tools.chart.values import Value, flag, items, mapping, text, words

IMAGE: Final = (
    text(
        "image.repository",
        "The image. Set this to where you have pushed yours; docs/image.md says how to build it.",
        "public.ecr.aws/aws-ec2/aws-node-termination-handler",
    ),
    text("image.tag", "Its tag. Empty: v and the chart's appVersion."),
    Value(
        "image.pullPolicy",
        "IfNotPresent",
        "When the kubelet pulls it.",
        {"enum": ["Always", "IfNotPresent", "Never"]},
    ),
    Value(
        "image.pullSecrets",
        [],
        "Secrets to pull it with, e.g. [{name: my-secret}].",
        {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string"}},
                "additionalProperties": False,
            },
        },
    ),
    text("nameOverride", "Replaces the chart's name in names and labels."),
    text("fullnameOverride", "Replaces the release's and the chart's name in the names of objects."),
    words("customLabels", "Labels for all objects except pods."),
)
ACCOUNT: Final = (
    flag("serviceAccount.create", "Create the service account.", default=True),
    text(
        "serviceAccount.name",
        "Its name. Empty: the full name of the release, or default if it is not created.",
    ),
    words(
        "serviceAccount.annotations",
        "Its annotations. For IRSA: eks.amazonaws.com/role-arn: arn:aws:iam::111122223333:role/my-role",
    ),
    flag("rbac.create", "Create and bind roles with the rights that these values need.", default=True),
    flag(
        "rbac.readControllers",
        "Allow the handler to read how many pods a ReplicaSet, StatefulSet or Job wants if replacements are "
        "missing.",
        default=True,
    ),
    flag(
        "rbac.pspEnabled",
        "Accepted, but without effect: Kubernetes has had no PodSecurityPolicy since 1.25.",
        default=True,
    ),
    flag(
        "admissionPolicy.create",
        "Metadata mode only. Create a ValidatingAdmissionPolicy that lets each handler change only its own "
        "node and the pods on it; evictions are not restricted. Needs Kubernetes 1.32 or later and a service "
        "account of its own.",
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
        "The liveness probe. The handler serves it at this port and path: always in queue mode, and with "
        "enableProbesServer in metadata mode.",
        {"type": "object", "properties": {"httpGet": _ASKED}},
    ),
    mapping(
        "readinessProbe",
        "The readiness probe, at /readyz on the port of the liveness probe. It is on whenever that is.",
        {"periodSeconds": 5},
    ),
)
PODS: Final = (
    words("podLabels", "Additional labels for pods."),
    words("podAnnotations", "Annotations for pods."),
    mapping(
        "podSecurityContext",
        "The security context of pods. seccompProfile is RuntimeDefault unless set here.",
        {"fsGroup": 1000},
    ),
    mapping(
        "securityContext",
        "The security context of the container. All capabilities are dropped unless set here.",
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
        "Seconds that the handler's own pod gets to finish its drains. Empty: nodeTerminationGracePeriod "
        "plus 30. "
        "(The original's chart left it at Kubernetes' default of 30, which is less than a drain may take.)",
        {"type": ["integer", "string"], "minimum": 0, "pattern": "^[0-9]*$"},
    ),
    mapping(
        "resources",
        "Requests and limits. Metadata mode needs 64Mi of memory; queue mode needs 128Mi, for 1,000 pods "
        "at once.",
    ),
    words(
        "nodeSelector",
        "Run only on nodes with these labels, besides kubernetes.io/os. In metadata mode linuxNodeSelector "
        "overrides it, and it overrides daemonsetNodeSelector.",
    ),
    mapping("affinity", "In metadata mode linuxAffinity overrides it, and it overrides daemonsetAffinity."),
    items(
        "tolerations",
        "In metadata mode linuxTolerations override them, and they override daemonsetTolerations.",
    ),
    mapping("dnsConfig", "The DNS settings of pods."),
    Value(
        "extraEnv",
        [],
        "Additional environment variables. One with the name of a variable of the chart replaces it.",
        {"type": "array", "items": _VARIABLE},
    ),
)
DAEMON_SET: Final = (
    text(
        "targetNodeOs",
        "The operating systems whose nodes get a DaemonSet: linux, windows, or both words.",
        "linux",
    ),
    mapping(
        "updateStrategy",
        "How the DaemonSet is updated.",
        {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%"}},
    ),
    text("daemonsetPriorityClassName", "The priority class of its pods.", "system-node-critical"),
    flag(
        "useHostNetwork",
        "Linux pods use the host's network. If false, the metadata service must allow a hop limit of 2 "
        "(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-options.html).",
        default=True,
    ),
    text("dnsPolicy", "The DNS policy of all pods; it overrides the next two."),
    text("linuxDnsPolicy", "The DNS policy of Linux pods.", "ClusterFirstWithHostNet"),
    words("linuxPodLabels", "Additional labels for Linux pods."),
    words("linuxPodAnnotations", "Annotations for Linux pods."),
    words("daemonsetNodeSelector", "The node selector, if no other is set."),
    words("linuxNodeSelector", "The node selector of Linux pods."),
    mapping(
        "daemonsetAffinity",
        "The affinity, if no other is set.",
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
    mapping("linuxAffinity", "The affinity of Linux pods."),
    items("daemonsetTolerations", "The tolerations, if no others are set.", ({"operator": "Exists"},)),
    items("linuxTolerations", "The tolerations of Linux pods."),
)
WINDOWS: Final = (
    text(
        "windowsImage.repository",
        "A Windows image that you have built. Without one, targetNodeOs=windows creates no DaemonSet. Queue "
        "mode handles Windows nodes from a Linux pod and needs none.",
    ),
    text("windowsImage.tag", "Its tag. Empty: v and the chart's appVersion."),
    text("windowsDnsPolicy", "The DNS policy of Windows pods.", "ClusterFirst"),
    words("windowsPodLabels", "Additional labels for Windows pods."),
    words("windowsPodAnnotations", "Annotations for Windows pods."),
    words("windowsNodeSelector", "The node selector of Windows pods."),
    mapping("windowsAffinity", "The affinity of Windows pods."),
    items("windowsTolerations", "The tolerations of Windows pods."),
)
DEPLOYMENT: Final = (
    Value(
        "replicas",
        1,
        "The number of replicas, which share the work. Several replicas see by Leases which of them are "
        "alive, "
        "and are spread over nodes unless topologySpreadConstraints or affinity say otherwise.",
        integer(0).schema,
    ),
    mapping("strategy", "How the Deployment is updated."),
    mapping(
        "podDisruptionBudget",
        "A PodDisruptionBudget for the handler's own pods, e.g. {maxUnavailable: 1}. Created only if "
        "there are "
        "several replicas.",
    ),
    text("priorityClassName", "The priority class of its pods.", "system-cluster-critical"),
    items("topologySpreadConstraints", "How replicas are spread. Empty: over nodes, if possible."),
)
