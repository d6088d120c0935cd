"""Words for stories about claims and volumes."""

from tests.controllers.world import NS, manifest

CLAIMS, VOLUMES = "persistentvolumeclaims", "persistentvolumes"




def volume(name, size="1Gi", modes=("ReadWriteOnce",), **spec):
    whole = {"capacity": {"storage": size}, "accessModes": list(modes), "hostPath": {"path": "/data"}, **spec}
    return manifest("PersistentVolume", name, whole, version="v1")


def claim(name="data", size="1Gi", modes=("ReadWriteOnce",), **spec):
    whole = {"accessModes": list(modes), "resources": {"requests": {"storage": size}}, **spec}
    return manifest("PersistentVolumeClaim", name, whole, version="v1")


def put_up(cluster, *objects):
    for obj in objects:
        resource, namespace = (VOLUMES, "") if obj["kind"] == "PersistentVolume" else (CLAIMS, NS)
        cluster.client.create(resource, obj, namespace)
    cluster.settle()


def using(name="app", **spec):
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"containers": [{"name": "main", "image": "nginx"}], "volumes": volumes, **spec}}  # fmt: skip


def phases(cluster):
    return {o["metadata"]["name"]: o["status"]["phase"] for resource in (CLAIMS, VOLUMES) for o in cluster.get(resource)}
