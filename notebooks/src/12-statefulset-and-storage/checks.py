"""The exercises of chapter 12: a claim that waits, what survives, a canary, data of a lost claim."""

from k8snb import Cluster
from k8snb.apimachinery.objects import dig
from k8snb.course.exercise import Exercise, Wrong, finding
from k8snb.course.tables import EACH, filled, lines
from k8snb.course.world import container_image, delete_pod, is_ready, ready_pods

# ---------------------------------------------------------------- pending: it does not start

SHOP_CLAIM = """apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: shop-data
spec:
  accessModes: [{mode}]
  storageClassName: {kind}
  resources:
    requests:
      storage: 1Gi
"""
SHOP_POD = """apiVersion: v1
kind: Pod
metadata:
  name: shop
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: shop
    image: nginx:1.27
    volumeMounts:
    - name: data
      mountPath: /data
  volumes:
  - name: data
    persistentVolumeClaim:
      claimName: {claim}
"""


def waiting_shop():
    cluster = Cluster(nodes=2, storage=True)
    cluster.apply(SHOP_CLAIM.format(mode="ReadWriteOnce", kind="fast"))
    cluster.apply(SHOP_POD.format(claim="shop-data"))
    cluster.run_for(30)
    return cluster


def check_pending(cluster, _answer):
    cluster.run_for(60)
    shop = cluster.get("pods", "shop")
    if shop is None:
        yield finding("gone")
        return
    names = [dig(volume, "persistentVolumeClaim.claimName") for volume in dig(shop, "spec.volumes", ())]
    named = next((name for name in names if name), None)
    if named is None:
        yield finding("no_claim")
        return
    claim = cluster.get("persistentvolumeclaims", named)
    if claim is None:
        yield finding("missing", claim=named)
    elif "ReadWriteMany" in claim["spec"]["accessModes"]:
        yield finding("mode", claim=named)
    elif dig(claim, "status.phase") != "Bound":
        yield finding("unbound", claim=named, kind=claim["spec"].get("storageClassName", ""))
    elif not is_ready(shop):
        yield finding("not_ready")


WITHOUT_CLAIM = SHOP_POD.replace("persistentVolumeClaim:\n      claimName: {claim}", "emptyDir: {{}}")
REMOVE = "%kubectl delete pod shop\n%kubectl delete pvc shop-data\n"


def applied(*documents):
    return "lab.apply(" + repr("---\n".join(documents)) + ")"


PENDING = Exercise(
    id="pending",
    start=waiting_shop,
    check=check_pending,
    solution=REMOVE + applied(SHOP_CLAIM.format(mode="ReadWriteOnce", kind="standard"), SHOP_POD.format(claim="shop-data")),
    wrong=(
        Wrong("%kubectl delete pod shop", "gone"),
        Wrong("%kubectl delete pod shop\n" + applied(WITHOUT_CLAIM.format()), "no_claim"),
        Wrong(REMOVE + applied(SHOP_CLAIM.format(mode="ReadWriteMany", kind="standard"), SHOP_POD.format(claim="shop-data")), "mode"),
        Wrong("%kubectl delete pod shop\n" + applied(SHOP_POD.format(claim="shop-date")), "missing"),
        Wrong("%kubectl get pods", "unbound"),
    ),
)

# ---------------------------------------------------------------- survives: what stays

SURVIVES = {
    "kubectl delete pod db-0": True,
    "kubectl scale statefulset db --replicas=0": True,
    "kubectl delete statefulset db": True,
    "kubectl delete statefulset db, and then pvc data-db-0": False,
    "the same with reclaim policy Retain": False,
}


@lines(SURVIVES, blank=EACH)
def check_survives(case, right, given):
    if given is ...:
        yield finding("unanswered", case=case)
    elif type(given) is not bool:
        yield finding("not_a_truth", case=case)
    elif given != right:
        yield finding({"the same with reclaim policy Retain": "retain"}.get(case, "lost" if given else "kept"), case=case)


survives = filled(SURVIVES)
TABLE = Exercise(
    id="survives",
    check=check_survives,
    solution=survives(),
    wrong=(
        Wrong(survives(**{"kubectl delete statefulset db": False}), "kept"),
        Wrong(survives(**{"kubectl scale statefulset db --replicas=0": False}), "kept"),
        Wrong(survives(**{"kubectl delete statefulset db, and then pvc data-db-0": True}), "lost"),
        Wrong(survives(**{"the same with reclaim policy Retain": True}), "retain"),
        Wrong(survives(**{"kubectl delete pod db-0": "yes"}), "not_a_truth"),
    ),
)

# ---------------------------------------------------------------- canary: one of four

WEB = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: None, selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  replicas: 4
  serviceName: web
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: nginx, image: "nginx:1.27"}]
"""
OLD, NEW = "nginx:1.27", "nginx:1.28"


def four_webs():
    cluster = Cluster(nodes=2, storage=True)
    cluster.apply(WEB)
    cluster.run_for(60)
    return cluster


def check_canary(cluster, _answer):
    cluster.run_for(60)
    web = cluster.get("statefulsets", "web")
    if web is None:
        yield finding("gone")
        return
    if web["spec"]["replicas"] != 4:
        yield finding("replicas", replicas=web["spec"]["replicas"])
        return
    new = [pod for pod in ready_pods(cluster, app="web") if container_image(pod) == NEW]
    if not new:
        yield finding("none")
        return
    if len(new) > 1:
        yield finding("too_many", count=len(new))
        return
    other = next(name for name in ("web-1", "web-0") if name != new[0]["metadata"]["name"])
    if comes_back_with(cluster, other) != OLD:
        yield finding("leaks")
    elif comes_back_with(cluster, new[0]["metadata"]["name"]) != NEW:
        yield finding("reverts")


def comes_back_with(cluster, name):
    """The image of the Pod that takes the place of this one when it is deleted; empty where none does."""
    delete_pod(cluster, name)
    cluster.run_for(60)
    return next((container_image(pod) for pod in ready_pods(cluster, app="web") if pod["metadata"]["name"] == name), "")


PARTITION = '%kubectl patch statefulset web --patch \'{{"spec":{{"updateStrategy":{{"rollingUpdate":{{"partition":{number}}}}}}}}}\'\n'
IMAGE = "%kubectl set image statefulset/web nginx=nginx:1.28\n"
ON_DELETE = '%kubectl patch statefulset web --patch \'{"spec":{"updateStrategy":{"type":"OnDelete","rollingUpdate":null}}}\'\n'
CANARY = Exercise(
    id="canary",
    start=four_webs,
    check=check_canary,
    solution=PARTITION.format(number=3) + IMAGE,
    wrong=(
        Wrong(IMAGE, "too_many"),
        Wrong(PARTITION.format(number=1) + IMAGE, "too_many"),
        Wrong(PARTITION.format(number=4) + IMAGE, "none"),
        Wrong(ON_DELETE + IMAGE + "%kubectl delete pod web-3\n", "leaks"),
        Wrong("%kubectl set image pod/web-3 nginx=nginx:1.28", "reverts"),
        Wrong("%kubectl scale statefulset web --replicas=1\n" + IMAGE, "replicas"),
        Wrong("%kubectl delete statefulset web", "gone"),
    ),
)

# ---------------------------------------------------------------- recover: the data of a lost claim

TREASURE = "the safe is 42-17-8"
DISK = """
apiVersion: v1
kind: PersistentVolume
metadata: {name: notes-disk}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  storageClassName: archive
  local: {path: /mnt/disks/notes}
  nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [node-1]}]}]}}
"""
NOTES = """apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: notes
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: {kind}
  volumeName: {volume}
  resources:
    requests:
      storage: {size}
"""
READER = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: busybox:1.36
    command: [sh, -c, "{command}; sleep 1000000"]
    volumeMounts: [{{name: notes, mountPath: /notes}}]
  volumes: [{{name: notes, persistentVolumeClaim: {{claimName: notes}}}}]
"""


def lost_claim():
    cluster = Cluster(nodes=2, storage=True)
    cluster.apply(DISK)
    cluster.apply(NOTES.format(kind="archive", volume="notes-disk", size="1Gi"))
    cluster.apply(READER.format(name="writer", command=f"echo {TREASURE} > /notes/secret.txt"))
    cluster.run_for(20)
    cluster.kubectl("delete pod writer")
    cluster.kubectl("delete pvc notes")
    cluster.apply(READER.format(name="reader", command="cat /notes/secret.txt"))
    cluster.run_for(20)
    return cluster


def check_recover(cluster, _answer):
    cluster.run_for(400)  # the scheduler looks again at Pods that wait, at the latest after five minutes
    disk, claim = cluster.get("persistentvolumes", "notes-disk"), cluster.get("persistentvolumeclaims", "notes")
    reader = cluster.get("pods", "reader")
    if disk is None:
        yield finding("disk_gone")
    elif reader is None:
        yield finding("reader_gone")
    elif claim is None:
        yield finding("no_claim")
    elif cluster.get("persistentvolumes", dig(claim, "spec.volumeName", "notes-disk")) is None:
        yield finding("no_such_disk", volume=claim["spec"]["volumeName"])
    elif dig(claim, "spec.volumeName", "notes-disk") != "notes-disk":
        yield finding("other_disk", volume=claim["spec"]["volumeName"])
    elif dig(disk, "status.phase") == "Released":
        yield finding("released", kind=dig(claim, "spec.storageClassName", ""))
    elif dig(claim, "status.phase") != "Bound":
        spec = claim["spec"]
        size, mode = dig(spec, "resources.requests.storage", ""), ", ".join(spec.get("accessModes", ()))
        yield finding("unbound", kind=spec.get("storageClassName", ""), size=size, mode=mode)
    elif TREASURE not in cluster.kubectl("logs reader").text:
        yield finding("unread")


FREE = '%kubectl patch pv notes-disk --patch \'{"spec":{"claimRef":null}}\'\n'
RECOVER = Exercise(
    id="recover",
    start=lost_claim,
    check=check_recover,
    solution=FREE + applied(NOTES.format(kind="archive", volume="notes-disk", size="1Gi")),
    wrong=(
        Wrong("%kubectl get pv", "no_claim"),
        Wrong(applied(NOTES.format(kind="archive", volume="notes-disk", size="1Gi")), "released"),
        Wrong(FREE + applied(NOTES.format(kind="standard", volume='""', size="1Gi")), "other_disk"),
        Wrong(FREE + applied(NOTES.format(kind="archive", volume="note-disk", size="1Gi")), "no_such_disk"),
        Wrong(FREE + applied(NOTES.format(kind="archive", volume="notes-disk", size="5Gi")), "unbound"),
        Wrong(FREE + applied(NOTES.format(kind="archive", volume="notes-disk", size="1Gi").replace("WriteOnce", "WriteMany")), "unbound"),
        Wrong("%kubectl delete pv notes-disk", "disk_gone"),
        Wrong("%kubectl delete pod reader", "reader_gone"),
    ),
)

EXERCISES = (PENDING, TABLE, CANARY, RECOVER)
QUIZ = {"once": 1, "late": 2, "deployment": 0, "stuck": 1}
