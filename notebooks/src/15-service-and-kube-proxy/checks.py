"""The exercises of chapter 15: follow a packet, mend Services without endpoints, shares by numbers, a way in."""

from k8snb import Cluster
from k8snb.apimachinery.objects import dig
from k8snb.course.exercise import Exercise, Wrong, finding
from k8snb.course.world import pods, ready_pods

BOX = "run box --image=busybox:1.36 -- sleep 36000"


def deployment(name, *, labels, image="k8snb/web:1.0", replicas=2, port="{containerPort: 8080}", probe="/healthz"):
    """A Deployment of the web server, with its Pods' labels written as in YAML."""
    return f"""apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {labels}}}
  template:
    metadata: {{labels: {labels}}}
    spec:
      containers:
      - name: web
        image: {image}
        ports: [{port}]
        readinessProbe: {{httpGet: {{path: {probe}, port: 8080}}, periodSeconds: 2}}
---
"""


def service(name, selector, target="8080"):
    return (
        f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\n"
        f"spec: {{selector: {selector}, ports: [{{port: 80, targetPort: {target}}}]}}\n---\n"
    )


def laboratory(manifest, nodes=2):
    cluster = Cluster(nodes=nodes)
    cluster.kubectl("apply -f -", stdin=manifest)
    cluster.kubectl(BOX)
    cluster.run_for(30)
    return cluster


# ---------------------------------------------------------------- follow: the way of one packet


def a_shop():
    return laboratory(deployment("shop", labels="{app: shop}", replicas=4) + service("shop", "{app: shop}"))


def the_way(cluster):
    """What a trace says: the address, the chain, where packets end."""
    ways = cluster.trace_packet("box", "http://shop").ways
    chain = ways[0].hops[1].rule.split(" > ")[1]
    return cluster.get("services", "shop")["spec"]["clusterIP"], chain, sorted(f"{way.address}:{way.port}" for way in ways)


def check_follow(cluster, answer):
    if not isinstance(answer, dict) or not {"address", "chain", "ends", "share"} <= set(answer):
        yield finding("not_a_table")
        return
    if any(answer[name] is ... for name in ("address", "chain", "ends", "share")):
        yield finding("unanswered")
        return
    if cluster.get("services", "shop") is None or cluster.get("pods", "box") is None or not ready_pods(cluster, app="shop"):
        yield finding("gone")
        return
    address, chain, ends = the_way(cluster)
    if answer["address"] != address:
        yield finding("pod_address" if f"{answer['address']}:8080" in ends else "address", given=answer["address"])
    if answer["chain"] != chain:
        yield finding("endpoint_chain" if "KUBE-SEP" in str(answer["chain"]) else "chain", given=answer["chain"])
    given = answer["ends"]
    if not isinstance(given, (list, tuple, set)) or not all(isinstance(one, str) for one in given):
        yield finding("ends_list")
    elif set(given) > set(ends):
        yield finding("surplus", extra=", ".join(sorted(set(given) - set(ends))))
    elif sorted(given) != ends:
        wrong_port = {one.partition(":")[0] for one in given} == {one.partition(":")[0] for one in ends}
        yield finding("port" if wrong_port else "ends", have=len(set(given) & set(ends)), want=len(ends))
    share = answer["share"]
    if isinstance(share, bool) or not isinstance(share, (int, float)) or share > 1:
        yield finding("no_number", given=repr(share))
    elif not abs(share - 1 / len(ends)) <= 0.005:  # so that nan is wrong, too
        yield finding("share", given=share, ends=len(ends))


FOLLOWED = """answer = {
    "address": lab.get("services", "shop")["spec"]["clusterIP"],
    "chain": lab.trace_packet("box", "http://shop").ways[0].hops[1].rule.split(" > ")[1],
    "ends": [f"{way.address}:{way.port}" for way in lab.trace_packet("box", "http://shop").ways],
    "share": 0.25,
}"""

FOLLOW = Exercise(
    id="follow",
    start=a_shop,
    check=check_follow,
    solution=FOLLOWED,
    wrong=(
        Wrong(FOLLOWED.replace('lab.get("services", "shop")["spec"]["clusterIP"]', '"192.168.10.3"'), "address"),
        Wrong(FOLLOWED.replace('.split(" > ")[1]', '.split(" > ")[2]'), "endpoint_chain"),
        Wrong(FOLLOWED.replace("{way.address}:{way.port}", "{way.address}:80"), "port"),
        Wrong(FOLLOWED.replace("0.25", "0.5"), "share"),
        Wrong(FOLLOWED.replace("0.25", 'float("nan")'), "share"),
        Wrong(FOLLOWED.replace('"share"', '"share": 0.25}\nanswer["ends"].append("10.244.0.99:8080")\nanswer |= {"share"'), "surplus"),
        Wrong(FOLLOWED.replace("0.25", '"25 %"'), "no_number"),
        Wrong(FOLLOWED.replace("0.25", "..."), "unanswered"),
        Wrong(FOLLOWED + "\n%kubectl delete service shop", "gone"),
    ),
)

# ---------------------------------------------------------------- mend: no endpoints, four ways

NAMES = ("cart", "pay", "search", "mail")
BROKEN = (
    deployment("cart", labels="{app: cart}") + service("cart", "{app: kart}")
    + deployment("pay", labels="{app: pay}", probe="/fail") + service("pay", "{app: pay}")
    + deployment("search", labels="{app: search}", port="{name: web, containerPort: 8080}") + service("search", "{app: search}", "http")
    + deployment("mail", labels="{app: mail}", replicas=0) + service("mail", "{app: mail}")
)  # fmt: skip


def nobody_there():
    return laboratory(BROKEN)


def ready_behind(cluster, name):
    """How many ready endpoints a Service has, and how many in all."""
    label = ("metadata", "labels", "kubernetes.io/service-name")
    slices = [s for s in cluster.get("endpointslices.discovery.k8s.io") if dig(s, label) == name]
    found = [e for s in slices if s.get("ports") for e in s.get("endpoints") or ()]
    return sum(dig(e, "conditions.ready", True) for e in found), len(found)


def check_mend(cluster, _answer):
    cluster.run_for(40)
    if cluster.get("pods", "box") is None:
        yield finding("no_box")
        return
    for name in NAMES:
        one = cluster.get("services", name)
        if one is None or cluster.get("deployments.apps", name) is None:
            yield finding("gone", name=name)
            continue
        response = cluster.http(f"http://{name}", "box", timeout=2)
        if response.status == 200:
            continue
        ready, known = ready_behind(cluster, name)
        mine = pods(cluster, app=name)
        if response.error == "connection refused":
            yield finding("refused", name=name)
        elif ready:
            yield finding("unreached", name=name, error=response.error or response.status)
        elif not known:
            yield finding("no_pods" if not mine else "not_found", name=name)
        else:
            yield finding("not_ready", name=name, count=known)


HEALTHY = '{"spec":{"template":{"spec":{"containers":[{"name":"web","readinessProbe":{"httpGet":{"path":"/healthz"}}}]}}}}'
MENDED = (
    """%kubectl patch service cart -p '{"spec":{"selector":{"app":"cart"}}}'\n""",
    f"%kubectl patch deployment pay -p '{HEALTHY}'\n",
    """%kubectl patch service search -p '{"spec":{"ports":[{"port":80,"targetPort":"web"}]}}'\n""",
    """%kubectl scale deployment mail --replicas=2\n""",
)

STOPPED = "for node in ('node-1', 'node-2'):\n    lab.faults.stop(f'kube-proxy/{node}')\n"

MEND = Exercise(
    id="mend",
    start=nobody_there,
    check=check_mend,
    solution="".join(MENDED),
    wrong=(
        Wrong("".join(MENDED[1:]), "not_found"),
        Wrong(MENDED[0] + MENDED[2] + MENDED[3], "not_ready"),
        Wrong("".join(MENDED[:3]), "no_pods"),
        Wrong(MENDED[0] + MENDED[1] + MENDED[2].replace('"targetPort":"web"', '"targetPort":80') + MENDED[3], "refused"),
        Wrong("".join(MENDED) + STOPPED, "unreached"),
        Wrong("%kubectl delete service cart", "gone"),
    ),
)

# ---------------------------------------------------------------- share: one request in five


def two_versions():
    return laboratory(
        deployment("web-v1", labels="{app: web, version: v1}", replicas=4)
        + deployment("web-v2", labels="{app: web, version: v2}", image="k8snb/web:2.0", replicas=2)
        + service("web", "{app: web, version: v1}")
    )


def shares(cluster):
    """The share of requests that each version gets, and that of those which reach nobody (``lost``)."""
    found = {}
    for way in cluster.trace_packet("box", "http://web").ways:
        name = way.made.pod.rpartition("/")[2]
        version = "lost" if way.error else "v2" if name.startswith("web-v2-") else "v1" if name.startswith("web-v1-") else "other"
        found[version] = found.get(version, 0) + way.share
    return found


def check_share(cluster, _answer):
    cluster.run_for(30)
    if cluster.get("services", "web") is None or cluster.get("pods", "box") is None:
        yield finding("gone")
        return
    v1 = cluster.get("deployments.apps", "web-v1")
    if v1 is None or v1["spec"]["replicas"] != 4:
        yield finding("v1_changed")
    found = shares(cluster)
    v2 = found.get("v2", 0)
    if "lost" in found:
        yield finding("nobody")
    elif "other" in found:
        yield finding("others")
    elif not found.get("v1"):
        yield finding("only_v2")
    elif not v2:
        yield finding("only_v1" if pods(cluster, version="v2") else "no_v2")
    elif abs(v2 - 0.2) > 0.005:
        yield finding("too_much" if v2 > 0.2 else "too_little", percent=round(v2 * 100))


SELECT_BOTH = """%kubectl patch service web -p '{"spec":{"selector":{"version":null}}}'\n"""

SHARE = Exercise(
    id="share",
    start=two_versions,
    check=check_share,
    solution=SELECT_BOTH + "%kubectl scale deployment web-v2 --replicas=1",
    wrong=(
        Wrong(SELECT_BOTH, "too_much"),
        Wrong("%kubectl scale deployment web-v2 --replicas=1", "only_v1"),
        Wrong("""%kubectl patch service web -p '{"spec":{"selector":{"version":"v2"}}}'""", "only_v2"),
        Wrong(SELECT_BOTH + "%kubectl scale deployment web-v1 --replicas=8", "v1_changed"),
        Wrong(SELECT_BOTH + "%kubectl scale deployment web-v2 --replicas=0", "no_v2"),
        Wrong(SELECT_BOTH + "%kubectl run more --image=k8snb/web:1.0 --labels=app=web", "others"),
        Wrong("""%kubectl patch service web -p '{"spec":{"ports":[{"port":80,"targetPort":9999}]}}'""", "nobody"),
    ),
)

# ---------------------------------------------------------------- outside: a port on every node


def one_pod():
    return laboratory(deployment("shop", labels="{app: shop}", replicas=1) + service("shop", "{app: shop}"), nodes=3)


def check_outside(cluster, _answer):
    cluster.run_for(10)
    shop = cluster.get("services", "shop")
    if shop is None:
        yield finding("gone")
        return
    ports = [port.get("nodePort") for port in shop["spec"].get("ports") or ()]
    if shop["spec"].get("type") not in ("NodePort", "LoadBalancer"):
        yield finding("type", type=shop["spec"].get("type"))
        return
    if 30080 not in ports:
        yield finding("port", given=", ".join(map(str, ports)))
        return
    silent = []
    for node in cluster.get("nodes"):
        address = next(a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP")
        response = cluster.http(f"http://{address}:30080", timeout=1)
        if response.status != 200:
            silent.append((node["metadata"]["name"], response.error))
    if silent:
        local = shop["spec"].get("externalTrafficPolicy") == "Local"
        refused = len(silent) == len(cluster.get("nodes")) and {error for _, error in silent} == {"connection refused"}
        name = "local" if local else "silent" if refused else "unreached"
        yield finding(name, nodes=", ".join(node for node, _ in silent), error=silent[0][1])


NODE_PORT = """%kubectl patch service shop -p '{"spec":{"type":"NodePort","ports":[{"port":80,"nodePort":30080}]}}'"""

OUTSIDE = Exercise(
    id="outside",
    start=one_pod,
    check=check_outside,
    solution=NODE_PORT,
    wrong=(
        Wrong("""%kubectl patch service shop -p '{"spec":{"type":"NodePort"}}'""", "port"),
        Wrong(NODE_PORT.replace('"type":"NodePort"', '"type":"NodePort","externalTrafficPolicy":"Local"'), "local"),
        Wrong("""%kubectl patch service shop -p '{"spec":{"externalIPs":["192.168.10.3"]}}'""", "type"),
        Wrong(NODE_PORT + "\n%kubectl scale deployment shop --replicas=0", "unreached"),
        Wrong(NODE_PORT + "\nlab.faults.stop('kube-proxy/node-3')", "unreached"),
        Wrong(NODE_PORT.replace('"port":80,', '"port":80,"targetPort":80,'), "silent"),
        Wrong("%kubectl delete service shop", "gone"),
    ),
)

EXERCISES = (FOLLOW, MEND, SHARE, OUTSIDE)
QUIZ = {"listen": 2, "refused": 1, "stopped": 0, "name": 2}
