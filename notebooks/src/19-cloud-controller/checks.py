"""The exercises of chapter 19: who does what, a public address, a node pool, a machine that stays, an upgrade that is stuck."""

from k8snb import Cluster
from k8snb.apimachinery.objects import dig
from k8snb.cloud.pools import IMAGE
from k8snb.course.exercise import Exercise, Wrong, finding
from k8snb.course.tables import filled, lines
from k8snb.course.world import pods, ready_pods


def deployment(name, replicas, *, image="k8snb/web:1", cpu="300m", command="", **spec):
    """A Deployment whose program answers on 8080."""
    container = {"name": name, "image": image, "resources": {"requests": {"cpu": cpu}}, **({"command": command} if command else {})}
    if not command:
        container["readinessProbe"] = {"httpGet": {"path": "/healthz", "port": 8080}}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container], **spec}}
    whole = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": {"app": name}}, "spec": whole}


def budget(name, least):
    """A PodDisruptionBudget over the Pods of an app."""
    spec = {"minAvailable": least, "selector": {"matchLabels": {"app": name}}}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name}, "spec": spec}


def create(cluster, *objects):
    """Create Deployments and budgets."""
    plurals = {"Deployment": "deployments.apps", "PodDisruptionBudget": "poddisruptionbudgets.policy"}
    for obj in objects:
        cluster.client.create(plurals[obj["kind"]], obj, "default")


# ---------------------------------------------------------------- who: who does it?

JOBS = {
    "registers a Node object for a new machine": "kubelet",
    "writes the zone onto the Node": "cloud-controller-manager",
    "takes a dead node out of a load balancer first": "the cloud",
    "writes the public address into the Service": "cloud-controller-manager",
    "decides that a pool needs one more machine": "cluster-autoscaler",
    "decides which node a Pod runs on": "kube-scheduler",
}
NAMES = ("cloud-controller-manager", "cluster-autoscaler", "kube-scheduler", "kube-proxy", "kubelet", "the cloud")


@lines(JOBS)
def check_who(job, who, given):
    if not isinstance(given, str):
        yield finding("missing", job=job)
    elif given not in NAMES:
        yield finding("unknown", given=given, names=", ".join(NAMES))
    elif given != who:
        yield finding("wrong", job=job, given=given)


jobs = filled(JOBS)
WHO = Exercise(
    id="who",
    check=check_who,
    solution=jobs(),
    wrong=(
        Wrong(jobs(**{"writes the zone onto the Node": "kubelet"}), "wrong"),
        Wrong(jobs(**{"takes a dead node out of a load balancer first": "cloud-controller-manager"}), "wrong"),
        Wrong(jobs(**{"decides which node a Pod runs on": "the scheduler"}), "unknown"),
        Wrong(jobs(**{"decides which node a Pod runs on": ...}), "missing"),
    ),
)

# ---------------------------------------------------------------- expose: let the world in


def unreachable():
    cluster = Cluster(nodes=2, cloud="aks")
    create(cluster, deployment("shop", 2))
    cluster.settle()
    return cluster


def public(service):
    """The public address of a Service; empty where it has none."""
    given = dig(service, ("status", "loadBalancer", "ingress", 0, "ip"), "")
    return "" if given.startswith("10.") else given


def check_expose(cluster, _answer):
    cluster.run_for(40)
    if len(ready_pods(cluster, app="shop")) < 2:
        yield finding("pods", ready=len(ready_pods(cluster, app="shop")))
        return
    services = [one for one in cluster.get("services") if one["metadata"]["name"] != "kubernetes"]
    balanced = [one for one in services if one["spec"].get("type") == "LoadBalancer"]
    if not services:
        yield finding("none")
    elif not balanced:
        kind = services[0]["spec"].get("type", "ClusterIP")
        yield finding("node_port" if kind == "NodePort" else "inside", name=services[0]["metadata"]["name"], type=kind)
    elif not any(map(public, balanced)):
        yield finding("internal", name=balanced[0]["metadata"]["name"])
    else:
        answers = [cluster.http(f"http://{public(one)}") for one in balanced if public(one)]
        if not any(answer.ok for answer in answers):
            ports = [port["port"] for one in balanced for port in one["spec"]["ports"]]
            if 80 not in ports:
                yield finding("port", ports=", ".join(map(str, ports)))
            elif not any(found(cluster, one) for one in balanced):
                yield finding("nobody", name=balanced[0]["metadata"]["name"])
            elif "8080" in targets(balanced):
                yield finding("closed", name=balanced[0]["metadata"]["name"], error=answers[0].error or answers[0].status)
            else:
                yield finding("silent", error=answers[0].error or answers[0].status, targets=targets(balanced))


def found(cluster, service):
    """The endpoints that a Service has found."""
    label, name = ("metadata", "labels", "kubernetes.io/service-name"), service["metadata"]["name"]
    return [e for one in cluster.get("endpointslices.discovery.k8s.io") if dig(one, label) == name for e in one.get("endpoints") or ()]


def targets(services):
    return ", ".join(str(port.get("targetPort", port["port"])) for one in services for port in one["spec"]["ports"])


EXPOSE_IT = "%kubectl expose deployment shop --type=LoadBalancer --port=80 --target-port=8080"
ONLY_INSIDE = """%kubectl patch service shop -p '{"spec":{"loadBalancerSourceRanges":["10.0.0.0/8"]}}'"""
EXPOSE = Exercise(
    id="expose",
    start=unreachable,
    check=check_expose,
    solution=EXPOSE_IT,
    wrong=(
        Wrong("%kubectl expose deployment shop --port=80 --target-port=8080", "inside"),
        Wrong(EXPOSE_IT.replace("LoadBalancer", "NodePort"), "node_port"),
        Wrong(EXPOSE_IT + " --selector=app=shp", "nobody"),
        Wrong("%kubectl expose deployment shop --type=LoadBalancer --port=80", "silent"),
        Wrong("%kubectl expose deployment shop --type=LoadBalancer --port=8080", "port"),
        Wrong(
            EXPOSE_IT + "\n%kubectl annotate service shop service.beta.kubernetes.io/azure-load-balancer-internal=true", "internal",
        ),
        Wrong(EXPOSE_IT + "\n" + ONLY_INSIDE, "closed"),
        Wrong("%kubectl delete deployment shop", "pods"),
    ),
)  # fmt: skip

# ---------------------------------------------------------------- pool: a pool for the batch

TAINT = {"key": "dedicated", "value": "batch", "effect": "NoSchedule"}


def waiting_batch():
    cluster = Cluster(nodes=1, cloud="aks")
    tolerations = [{"key": "dedicated", "operator": "Equal", "value": "batch", "effect": "NoSchedule"}]
    place = {"nodeSelector": {"agentpool": "batch"}, "tolerations": tolerations}
    create(cluster, deployment("batch", 3, image="busybox:1.36", cpu="1500m", command=["sleep", "100000"], **place))
    cluster.settle()
    return cluster


def check_pool(cluster, _answer):
    pools = cluster.cloud.node_pools
    if "batch" not in pools:
        yield finding("no_pool", names=", ".join(pools))
        return
    cluster.run_for(150)
    pool = pools["batch"]
    batch = pods(cluster, app="batch")
    if len(batch) < 3:
        yield finding("gone", count=len(batch))
    if pool.machines > 2:
        yield finding("many", machines=pool.machines)
    if dict(TAINT) not in [dict(taint) for taint in pool.taints]:
        yield finding("untainted")
    if any(dig(pod, ("spec", "containers", 0, "resources", "requests", "cpu")) != "1500m" for pod in batch):
        yield finding("smaller")
    running = [pod for pod in batch if dig(pod, "status.phase") == "Running"]
    if len(running) < 3:
        yield finding("waiting", running=len(running), machines=pool.machines, size=pool.size)


def add(arguments):
    return f'lab.cloud.node_pools.add("batch", {arguments})'


TWO_PODS = add('size="Standard_D4s_v5", taints=["dedicated=batch:NoSchedule"]') + "\n%kubectl scale deployment batch --replicas=2"
SMALLER = add('count=2, taints="dedicated=batch:NoSchedule"') + "\n%kubectl set resources deployment batch --requests=cpu=500m"
POOL = Exercise(
    id="pool",
    start=waiting_batch,
    check=check_pool,
    solution=add('size="Standard_D4s_v5", count=2, taints=["dedicated=batch:NoSchedule"]'),
    wrong=(
        Wrong(add('count=2, taints=["dedicated=batch:NoSchedule"]'), "waiting"),
        Wrong(add('count=3, taints=["dedicated=batch:NoSchedule"]'), "many"),
        Wrong(add('size="Standard_D4s_v5", count=2'), "untainted"),
        Wrong('lab.cloud.node_pools.add("big", size="Standard_D8s_v5", taints=["dedicated=batch:NoSchedule"])', "no_pool"),
        Wrong(TWO_PODS, "gone"),
        Wrong(SMALLER, "smaller"),
    ),
)

# ---------------------------------------------------------------- shrink: the machine that does not go


def three_at_night():
    cluster = Cluster(nodes=1, cloud="aks")
    cluster.cloud.node_pools.add("user", count=3, zones="123")
    cluster.run_for(100)
    place = {"nodeSelector": {"agentpool": "user"}, "topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
         "labelSelector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}}]}  # fmt: skip
    create(cluster, budget("web", 2), deployment("web", 2, cpu="200m", **place))
    cluster.settle()
    scratch = {"volumes": [{"name": "scratch", "emptyDir": {}}]}
    create(cluster, deployment("cache", 2, cpu="200m", image="busybox:1.36", command=["sleep", "100000"], **place, **scratch))
    cluster.settle()
    cluster.cloud.node_pools.autoscale("user", least=1, most=3)
    cluster.run_for(1200)
    return cluster


def check_shrink(cluster, _answer):
    pool = cluster.cloud.node_pools.get("user")
    if pool is None or not pool.autoscale:
        yield finding("off")
        return
    least = len(ready_pods(cluster, app="web"))
    for _ in range(60):
        cluster.run_for(30)
        least = min(least, len(ready_pods(cluster, app="web")))
    for name, count in (("web", 2), ("cache", 2)):
        if len(ready_pods(cluster, app=name)) < count:
            yield finding("stopped", name=name, ready=len(ready_pods(cluster, app=name)), wanted=count)
    left = [one for one in cluster.cloud.instances.values() if one.pool == "user"]
    kept = [verdict.why for verdict in cluster.cloud.autoscaler.verdicts.values() if "BlockedByPod" in verdict.why]
    if pool.least > 1:
        yield finding("bounds", least=pool.least)
    elif least < 1:
        yield finding("gap")
    elif len(left) > 1:
        yield finding("stays", machines=len(left), why=kept[0] if kept else "-")


WEB_BUDGET = "%kubectl patch poddisruptionbudget web --type=merge -p '{\"spec\":{\"minAvailable\":1}}'"
SAFE = "%kubectl annotate pods -l app=cache cluster-autoscaler.kubernetes.io/safe-to-evict=true"
SHRINK = Exercise(
    id="shrink",
    start=three_at_night,
    check=check_shrink,
    solution=f"{WEB_BUDGET}\n{SAFE}",
    wrong=(
        Wrong(WEB_BUDGET, "stays"),
        Wrong(SAFE, "stays"),
        Wrong("%kubectl scale deployment web --replicas=0\n" + SAFE, "stopped"),
        Wrong('lab.cloud.node_pools.autoscale("user", on=False)\nlab.cloud.node_pools.scale("user", 1)', "off"),
        Wrong("%kubectl delete deployment cache\n" + WEB_BUDGET, "stopped"),
        Wrong("%kubectl delete nodes -l agentpool=user", "gap"),
    ),
)

# ---------------------------------------------------------------- upgrade: the upgrade that does not come through


def stuck_upgrade():
    cluster = Cluster(nodes=2, cloud="aks")
    create(cluster, deployment("web", 2), budget("web", 2))
    cluster.settle()
    cluster.cloud.node_pools.upgrade("nodepool1")
    cluster.run_for(300)
    return cluster


def check_upgrade(cluster, _answer):
    guard = cluster.get("poddisruptionbudgets", "web")
    if guard is None:
        yield finding("no_budget")
        return
    cluster.run_for(5)  # so that the budget is counted anew
    counted = cluster.get("poddisruptionbudgets", "web").get("status") or {}
    if min(counted.get("desiredHealthy", 0), counted.get("expectedPods", 0)) < 1:
        yield finding("promises_nothing")
        return
    web = cluster.get("deployments", "web")
    if web is None or web["spec"]["replicas"] < 2:
        yield finding("few", count=web["spec"]["replicas"] if web else 0)
        return
    least = len(ready_pods(cluster, app="web"))
    for _ in range(60):
        cluster.run_for(30)
        least = min(least, len(ready_pods(cluster, app="web")))
    pool = [node["metadata"] for node in cluster.get("nodes") if node["metadata"]["labels"].get("agentpool") == "nodepool1"]
    old = [meta["name"] for meta in pool if meta["labels"].get(IMAGE, "").endswith("202611.01.0")]
    if least < 1:
        yield finding("gap")
    if old:
        blocked = list(cluster.cloud.node_pools.operations["nodepool1"].blocked)
        yield finding("old", nodes=", ".join(old), pods=", ".join(blocked) or "-")


UPGRADE = Exercise(
    id="upgrade",
    start=stuck_upgrade,
    check=check_upgrade,
    solution=WEB_BUDGET,
    wrong=(
        Wrong("%kubectl delete poddisruptionbudget web", "no_budget"),
        Wrong(WEB_BUDGET.replace("1}", "0}"), "promises_nothing"),
        Wrong(WEB_BUDGET.replace('"minAvailable":1', '"minAvailable":null,"maxUnavailable":"100%"'), "promises_nothing"),
        Wrong(WEB_BUDGET.replace('"minAvailable":1', '"minAvailable":1,"selector":{"matchLabels":{"app":"wep"}}'), "promises_nothing"),
        Wrong('lab.cloud.node_pools.add("more", count=1)', "old"),
        Wrong("%kubectl scale deployment web --replicas=1\n" + WEB_BUDGET, "few"),
    ),
)

EXERCISES = (WHO, EXPOSE, POOL, SHRINK, UPGRADE)
QUIZ = {"pending": 1, "busy": 2, "dead": 0, "zone": 2}
