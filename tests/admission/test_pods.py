"""What admission does to a pod before it is stored."""


def test_a_pod_runs_as_the_default_service_account_and_mounts_its_token(desk):
    spec = desk.pod()["spec"]
    assert (spec["serviceAccountName"], spec["serviceAccount"]) == ("default", "default")
    (volume,) = spec["volumes"]
    assert volume["name"].startswith("kube-api-access-")
    assert [next(iter(source)) for source in volume["projected"]["sources"]] == ["serviceAccountToken", "configMap", "downwardAPI"]
    (mount,) = spec["containers"][0]["volumeMounts"]
    assert mount == {"name": volume["name"], "readOnly": True, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}


def test_no_token_where_the_pod_or_its_account_does_not_want_one(desk):
    assert "volumes" not in desk.pod("shy", automountServiceAccountToken=False)["spec"]
    desk.create("serviceaccounts", "ServiceAccount", "shy", automountServiceAccountToken=False)
    assert "volumes" not in desk.pod("silent", serviceAccountName="shy")["spec"]
    assert "volumes" in desk.pod("loud", serviceAccountName="shy", automountServiceAccountToken=True)["spec"]


def test_a_mount_at_the_same_path_is_the_users(desk):
    mount = {"name": "own", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}
    own = {"name": "web", "image": "nginx", "volumeMounts": [mount]}
    spec = desk.pod(containers=[own], volumes=[{"name": "own", "emptyDir": {}}])["spec"]
    assert [volume["name"] for volume in spec["volumes"]] == ["own"]


def test_pull_secrets_come_from_the_account(desk):
    desk.create("serviceaccounts", "ServiceAccount", "robot", imagePullSecrets=[{"name": "registry"}])
    assert desk.pod(serviceAccountName="robot")["spec"]["imagePullSecrets"] == [{"name": "registry"}]


def test_an_account_that_is_not_there_is_refused(desk):
    message = desk.refusal(lambda: desk.pod(serviceAccountName="nobody"))
    assert message == 'pods "web" is forbidden: error looking up service account default/nobody: serviceaccount "nobody" not found'


def test_a_pod_tolerates_a_lost_node_for_five_minutes(desk):
    own = {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}
    tolerations = desk.pod(tolerations=[own])["spec"]["tolerations"]
    assert [(t["key"].partition("/")[2], t["tolerationSeconds"]) for t in tolerations] == [("not-ready", 5), ("unreachable", 300)]


def test_the_number_of_a_priority_comes_from_its_class(desk):
    desk.create(
        "priorityclasses.scheduling.k8s.io", "PriorityClass", "high", "", "scheduling.k8s.io/v1", value=1000, preemptionPolicy="Never"
    )
    spec = desk.pod(priorityClassName="high")["spec"]
    assert (spec["priority"], spec["preemptionPolicy"]) == (1000, "Never")
    assert desk.pod("plain")["spec"]["priority"] == 0
    assert (
        desk.refusal(lambda: desk.pod("x", priorityClassName="none")) == 'pods "x" is forbidden: no PriorityClass with name none was found'
    )
    assert desk.refusal(lambda: desk.pod("x", priority=7)) == (
        'pods "x" is forbidden: the integer value of priority (7) must not be provided in pod spec; '
        "priority admission controller computed 0 from the given PriorityClass name"
    )


def test_the_default_class_is_given_and_there_is_only_one(desk):
    classes = ("priorityclasses.scheduling.k8s.io", "PriorityClass")
    desk.create(*classes, "usual", "", "scheduling.k8s.io/v1", value=5, globalDefault=True)
    spec = desk.pod()["spec"]
    assert (spec["priorityClassName"], spec["priority"]) == ("usual", 5)
    message = desk.refusal(lambda: desk.create(*classes, "other", "", "scheduling.k8s.io/v1", value=6, globalDefault=True))
    assert message.endswith("PriorityClass usual is already marked as default. Only one default can exist")


def test_a_runtime_class_must_exist_and_brings_its_overhead(desk):
    assert desk.refusal(lambda: desk.pod(runtimeClassName="gone")) == 'pods "web" is forbidden: pod rejected: RuntimeClass "gone" not found'
    overhead = {"podFixed": {"cpu": "100m"}}
    scheduling = {"nodeSelector": {"sandbox": "yes"}}
    desk.create(
        "runtimeclasses.node.k8s.io", "RuntimeClass", "box", "", "node.k8s.io/v1", handler="box", overhead=overhead, scheduling=scheduling
    )
    spec = desk.pod(runtimeClassName="box")["spec"]
    assert (spec["overhead"], spec["nodeSelector"]) == ({"cpu": "100m"}, {"sandbox": "yes"})
    message = desk.refusal(lambda: desk.pod("x", runtimeClassName="box", nodeSelector={"sandbox": "no"}))
    assert message.endswith("conflict: runtimeClass.scheduling.nodeSelector[sandbox] = yes; pod.spec.nodeSelector[sandbox] = no")


def test_a_pod_bound_at_birth_carries_the_zone_of_its_node(desk):
    labels = {"topology.kubernetes.io/zone": "a", "other": "x"}
    desk.create("nodes", "Node", "n1", "", metadata={"labels": labels})
    assert desk.pod(nodeName="n1")["metadata"]["labels"] == {"topology.kubernetes.io/zone": "a"}


def test_a_new_node_starts_not_ready(desk):
    node = desk.create("nodes", "Node", "n1", "")
    assert node["spec"]["taints"] == [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]
