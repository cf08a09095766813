"""The rules of the contract for the chart's objects, C1 to C14; those of variables are in test_variables."""

from typing import Any

import pytest
import yaml

from tests.chart.matrix import SETS, examples
from tests.chart.rendering import QUEUE, Chart, kinds, of_kind, workloads

NAME = "aws-node-termination-handler"
RBAC = ["ClusterRole", "ClusterRoleBinding", "ServiceAccount"]
WINDOWS = {"windowsImage": {"repository": "registry.example/nth-windows"}}
PROMETHEUS = {"enablePrometheusServer": True}
SCRAPED = {
    "port": "http-metrics",
    "path": "/metrics",
    # Prometheus would call our labels `service` and `namespace` exported_service and exported_namespace.
    "honorLabels": True,
    "relabelings": [{"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node"}],
}
BUDGET = {"podDisruptionBudget": {"maxUnavailable": 1}}


def names(objects: list[dict[str, Any]]) -> list[str]:
    return [f"{each['kind']} {each['metadata']['name']}" for each in workloads(objects)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, [f"DaemonSet {NAME}"]),
        ({"targetNodeOs": "Linux"}, [f"DaemonSet {NAME}"]),
        (QUEUE, [f"Deployment {NAME}"]),
        ({**QUEUE, **WINDOWS, "targetNodeOs": "windows"}, [f"Deployment {NAME}"]),
        ({**WINDOWS, "targetNodeOs": "linux windows"}, [f"DaemonSet {NAME}", f"DaemonSet {NAME}-win"]),
        ({**WINDOWS, "targetNodeOs": "WINDOWS"}, [f"DaemonSet {NAME}-win"]),
        ({"targetNodeOs": "linux windows"}, [f"DaemonSet {NAME}"]),
        ({"targetNodeOs": "windows"}, []),
    ],
)
def test_C1_the_mode_and_the_systems_decide_what_runs(
    chart: Chart, values: dict[str, Any], expected: list[str]
) -> None:
    assert names(chart.objects(values)) == expected


def test_C1_the_windows_name_is_cut_to_63_characters(chart: Chart) -> None:
    values = {**WINDOWS, "targetNodeOs": "linux windows", "fullnameOverride": "n" * 80}
    assert names(chart.objects(values)) == [f"DaemonSet {'n' * 63}", f"DaemonSet {'n' * 59}-win"]


def test_C2_the_deployment_runs_on_linux_with_its_priority(chart: Chart) -> None:
    pod = chart.pod(QUEUE)
    assert pod["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert pod["priorityClassName"] == "system-cluster-critical"
    assert not {"hostNetwork", "affinity", "tolerations"} & pod.keys()


def test_C2_the_daemon_set_tolerates_everything_in_the_hosts_network(chart: Chart) -> None:
    pod = chart.pod({})
    assert pod["priorityClassName"] == "system-node-critical"
    assert pod["tolerations"] == [{"operator": "Exists"}]
    assert pod["hostNetwork"] is True
    assert pod["dnsPolicy"] == "ClusterFirstWithHostNet"
    assert chart.pod(SETS["Windows"])["hostNetwork"] is False


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({**QUEUE, **BUDGET, "replicas": 2}, 1),
        ({**QUEUE, **BUDGET, "replicas": "2"}, 1),
        ({**QUEUE, **BUDGET, "replicas": 1}, 0),
        ({**QUEUE, "replicas": 2}, 0),
        ({**BUDGET, "replicas": 2}, 0),
    ],
)
def test_C3_a_budget_stands_for_several_replicas(chart: Chart, values: dict[str, Any], expected: int) -> None:
    budgets = of_kind(chart.objects(values), "PodDisruptionBudget")
    assert len(budgets) == expected
    deployments = of_kind(chart.objects(values), "Deployment")
    for budget, deployment in zip(budgets, deployments, strict=False):
        assert budget["spec"] == {"maxUnavailable": 1, "selector": deployment["spec"]["selector"]}


@pytest.mark.parametrize(
    ("values", "beside"),
    [
        ({}, []),
        (PROMETHEUS, []),
        ({**PROMETHEUS, "podMonitor": {"create": True}}, ["PodMonitor"]),
        ({**PROMETHEUS, "serviceMonitor": {"create": True}}, []),
        ({"podMonitor": {"create": True}}, []),
        ({**QUEUE, **PROMETHEUS}, ["Service"]),
        ({**QUEUE, **PROMETHEUS, "serviceMonitor": {"create": True}}, ["Service", "ServiceMonitor"]),
        ({**QUEUE, **PROMETHEUS, "podMonitor": {"create": True}}, ["Service"]),
        ({**QUEUE, "serviceMonitor": {"create": True}}, []),
    ],
)
def test_C4_metrics_have_a_service_or_a_monitor(
    chart: Chart, values: dict[str, Any], beside: list[str]
) -> None:
    workload = "Deployment" if "queueURL" in values else "DaemonSet"
    assert kinds(chart.objects(values)) == sorted([*RBAC, workload, *beside])


def test_C4_the_service_and_the_monitors_find_the_pods(chart: Chart) -> None:
    values = SETS["metrics of queue mode"]
    service, monitor = chart.one("Service", values), chart.one("ServiceMonitor", values)
    (port,) = service["spec"]["ports"]
    assert service["spec"]["type"] == "ClusterIP"
    assert port == {"name": "http-metrics", "port": 19092, "targetPort": "http-metrics", "protocol": "TCP"}
    ports = {each["name"]: each["containerPort"] for each in chart.container(values)["ports"]}
    assert ports == {"liveness-probe": 8080, "http-metrics": 19092}
    labels = chart.workload(values)["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["spec"]["namespaceSelector"] == {"matchNames": ["kube-system"]}
    assert monitor["spec"]["endpoints"] == [{**SCRAPED, "interval": "1m"}]
    assert monitor["metadata"]["namespace"] == "default"
    assert monitor["metadata"]["labels"]["release"] == "prometheus"


def test_C4_the_pod_monitor_finds_the_daemon_sets_pods(chart: Chart) -> None:
    values = SETS["metrics of metadata mode"]
    monitor = chart.one("PodMonitor", values)
    labels = chart.workload(values)["spec"]["template"]["metadata"]["labels"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert monitor["spec"]["podMetricsEndpoints"] == [{**SCRAPED, "interval": "15s"}]
    assert "sampleLimit" not in monitor["spec"]
    # The monitor's own labels go before those of all objects.
    assert monitor["metadata"]["labels"]["release"] == "prometheus"


def test_C5_the_deployment_always_has_probes(chart: Chart) -> None:
    container = chart.container(QUEUE)
    assert container["livenessProbe"] == {
        "httpGet": {"path": "/healthz", "port": 8080},
        "initialDelaySeconds": 5,
        "periodSeconds": 5,
    }
    # The original had none of these; ours says so when it does not read its queue.
    assert container["readinessProbe"] == {
        "httpGet": {"path": "/readyz", "port": 8080},
        "periodSeconds": 5,
    }


def test_C5_a_daemon_set_has_probes_on_demand(chart: Chart) -> None:
    assert not {"livenessProbe", "readinessProbe", "ports"} & chart.container({}).keys()
    container = chart.container(SETS["probes"])
    assert container["livenessProbe"]["httpGet"] == {"path": "/alive", "port": 18080}
    assert container["livenessProbe"]["failureThreshold"] == 5
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": 18080}
    assert container["readinessProbe"]["periodSeconds"] == 7


def test_C7_the_uptime_needs_no_mount_of_the_host(chart: Chart) -> None:
    """A hostPath is against the restricted standard; a container sees the machine's uptime anyway."""
    assert chart.environment({})["UPTIME_FROM_FILE"] == "/proc/uptime"
    assert "volumes" not in chart.pod({})
    values = SETS["a file for the uptime"]
    path = "/var/lib/nth/uptime"
    assert chart.environment(values)["UPTIME_FROM_FILE"] == path
    assert chart.pod(values)["volumes"] == [{"name": "uptime", "hostPath": {"path": path}}]
    (mount,) = chart.container(values)["volumeMounts"]
    assert mount == {"name": "uptime", "mountPath": path, "readOnly": True}
    assert "volumes" not in chart.pod({**QUEUE, **values})


@pytest.mark.parametrize("mode", [{}, QUEUE], ids=["metadata", "queue"])
def test_C9_there_is_no_pod_security_policy(chart: Chart, mode: dict[str, Any]) -> None:
    workload = "Deployment" if mode else "DaemonSet"
    for values in (mode, {**mode, "rbac": {"pspEnabled": True}}):
        assert kinds(chart.objects(values)) == sorted([*RBAC, workload])


@pytest.mark.parametrize("mode", [{}, QUEUE], ids=["metadata", "queue"])
def test_C11_pods_have_the_time_that_their_drains_need(chart: Chart, mode: dict[str, Any]) -> None:
    assert chart.pod(mode)["terminationGracePeriodSeconds"] == 150
    assert chart.pod({**mode, "nodeTerminationGracePeriod": "240"})["terminationGracePeriodSeconds"] == 270
    given = {**mode, "terminationGracePeriodSeconds": 45}
    assert chart.pod(given)["terminationGracePeriodSeconds"] == 45
    assert chart.pod(SETS["no time to end"])["terminationGracePeriodSeconds"] == 0
    taken_away = chart.pod(mode, "--set", "nodeTerminationGracePeriod=null")
    assert taken_away["terminationGracePeriodSeconds"] == 150


@pytest.mark.parametrize("mode", [{}, QUEUE], ids=["metadata", "queue"])
def test_C12_rights_are_made_and_bound_to_the_pods_account(chart: Chart, mode: dict[str, Any]) -> None:
    role, binding = chart.one("ClusterRole", mode), chart.one("ClusterRoleBinding", mode)
    account = chart.one("ServiceAccount", mode)["metadata"]["name"]
    assert role["metadata"]["name"] == binding["metadata"]["name"] == NAME
    assert binding["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": NAME,
    }
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account, "namespace": "kube-system"}]
    assert chart.pod(mode)["serviceAccountName"] == account == NAME


def test_C12_rights_are_left_to_others(chart: Chart) -> None:
    values = SETS["an account of somebody else's"]
    assert kinds(chart.objects(values)) == ["Deployment"]
    assert chart.pod(values)["serviceAccountName"] == "handler"
    assert chart.pod(SETS["the default account"])["serviceAccountName"] == "default"


def test_C12_an_account_has_its_name_and_annotations(chart: Chart) -> None:
    account = chart.one("ServiceAccount", SETS["a named account"])["metadata"]
    assert account["name"] == "handler"
    assert account["annotations"] == {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/nth"}
    (subject,) = chart.one("ClusterRoleBinding", SETS["a named account"])["subjects"]
    assert subject["name"] == "handler"


def test_C13_the_originals_example_values_work(chart: Chart) -> None:
    linux = {"enableSqsTerminationDraining": False, "targetNodeOs": "linux", "enableProbesServer": True}
    assert names(chart.objects(linux)) == [f"DaemonSet {NAME}"]
    windows = {**linux, "targetNodeOs": "windows"}
    assert kinds(chart.objects(windows)) == RBAC
    queue = {"enableSqsTerminationDraining": True, "resources": {"limits": {"cpu": "500m"}}}
    assert names(chart.objects(queue)) == [f"Deployment {NAME}"]
    assert chart.container(queue)["resources"] == {"limits": {"cpu": "500m"}}


def test_C13_there_are_examples(chart: Chart) -> None:
    assert len(examples()) >= 6
    for values in examples().values():
        assert len(workloads(chart.objects(values))) == 1


def test_replicas_are_spread_over_nodes(chart: Chart) -> None:
    (spread,) = chart.pod({**QUEUE, "replicas": 2})["topologySpreadConstraints"]
    assert spread["topologyKey"] == "kubernetes.io/hostname"
    assert spread["whenUnsatisfiable"] == "ScheduleAnyway"
    assert spread["labelSelector"] == chart.workload(QUEUE)["spec"]["selector"]
    (given,) = chart.pod(SETS["a spread"])["topologySpreadConstraints"]
    assert given["topologyKey"] == "topology.kubernetes.io/zone"
    assert "topologySpreadConstraints" not in chart.pod(QUEUE)
    alone = {**QUEUE, "replicas": 2, "affinity": {"podAntiAffinity": {}}}
    assert "topologySpreadConstraints" not in chart.pod(alone)


def test_a_network_policy_binds_the_workloads_pods(chart: Chart) -> None:
    values = SETS["a network policy"]
    spec = chart.one("NetworkPolicy", values)["spec"]
    assert spec["podSelector"] == chart.workload(values)["spec"]["selector"]
    assert spec["ingress"][0] == {"ports": [{"port": 8080}, {"port": 9092}]}
    assert spec["ingress"][1] == {"from": [{"namespaceSelector": {}}], "ports": [{"port": 8080}]}
    assert {"port": 8443} in spec["egress"][0]["ports"]
    assert spec["egress"][-1] == {"ports": [{"port": 8080}]}
    # Nothing is served, so nothing comes in.
    silent = chart.one("NetworkPolicy", SETS["a network policy of metadata mode"])["spec"]
    assert silent["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in silent


def test_safe_10_a_network_policy_lets_both_families_reach_the_metadata_and_the_roles(chart: Chart) -> None:
    spec = chart.one("NetworkPolicy", SETS["a network policy"])["spec"]
    (local,) = [rule for rule in spec["egress"] if "to" in rule]
    assert local["ports"] == [{"port": 80}]
    assert [each["ipBlock"]["cidr"] for each in local["to"]] == [
        *("169.254.169.254/32", "fd00:ec2::254/128"),
        *("169.254.170.23/32", "fd00:ec2::23/128"),
    ]


def test_safe_10_the_kubelet_asks_where_the_probes_are_answered(chart: Chart) -> None:
    container = chart.container(SETS["probes of the node alone"])
    for probe in ("livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["host"] == "127.0.0.1"
    # Every address is the pod's, too.
    for everywhere in ("", "0.0.0.0", "::"):
        values = {"enableProbesServer": True, "probesServerAddress": everywhere}
        for probe in ("livenessProbe", "readinessProbe"):
            assert "host" not in chart.container(values)[probe]["httpGet"]
    told = {"httpGet": {"path": "/healthz", "port": 8080, "host": "10.0.0.1"}}
    mine = chart.container({**SETS["probes of the node alone"], "probes": told, "readinessProbe": told})
    assert mine["livenessProbe"]["httpGet"]["host"] == mine["readinessProbe"]["httpGet"]["host"] == "10.0.0.1"
    # Nobody asks, so any address will do.
    assert "livenessProbe" not in chart.container({"probesServerAddress": "127.0.0.1"})


@pytest.mark.parametrize(
    "values",
    [
        QUEUE,
        {"enableProbesServer": True, "useHostNetwork": False},
        {**WINDOWS, "targetNodeOs": "windows", "enableProbesServer": True},
    ],
    ids=["queue mode", "own network", "Windows"],
)
def test_safe_10_probes_that_the_kubelet_could_not_ask_are_refused(
    chart: Chart, values: dict[str, Any]
) -> None:
    done = chart.attempt({**values, "probesServerAddress": "127.0.0.1"})
    assert done.returncode == 1
    assert (
        "probesServerAddress is 127.0.0.1, which the kubelet reaches in the host's network alone"
        in done.stderr
    )
    assert chart.attempt({**values, "probesServerAddress": "0.0.0.0"}).returncode == 0


@pytest.mark.parametrize("mode", [{}, QUEUE], ids=["metadata", "queue"])
@pytest.mark.parametrize("port", [9092, "9092"])
def test_M8_probes_and_metrics_may_share_a_port(chart: Chart, mode: dict[str, Any], port: object) -> None:
    """In the host's network the API server refuses a port that stands twice."""
    shared = {
        **mode,
        **PROMETHEUS,
        "enableProbesServer": True,
        "probes": {"httpGet": {"port": port}},
        "networkPolicy": {"create": True},
    }
    container = chart.container(shared)
    assert [each["name"] for each in container["ports"]] == ["http-metrics"]
    assert int(container["ports"][0]["containerPort"]) == int(container["livenessProbe"]["httpGet"]["port"])
    assert chart.environment(shared)["PROBES_SERVER_PORT"] == "9092"
    (rule,) = chart.one("NetworkPolicy", shared)["spec"]["ingress"]
    assert rule["ports"] == [{"port": 9092}]


def test_rendered_yaml_is_plain(chart: Chart) -> None:
    """Whatever reads YAML 1.2 strictly gets the same: no key twice, no word that is a boolean to some."""
    for values in SETS.values():
        text = chart.attempt(values).stdout
        assert [each for each in yaml.load_all(text, yaml.CSafeLoader) if each] == chart.objects(values)
