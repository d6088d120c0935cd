"""Default classes, finalizers, and namespaces that accept nothing."""

import pytest

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import freeze, put

CLASSES = ("ingressclasses.networking.k8s.io", "IngressClass")
BACKEND = {"service": {"name": "web", "port": {"number": 80}}}


def ingress(desk, name, **spec):
    return desk.create(
        "ingresses.networking.k8s.io", "Ingress", name, version="networking.k8s.io/v1", spec={"defaultBackend": BACKEND, **spec}
    )


def ingress_class(desk, name, default):
    annotations = {"ingressclass.kubernetes.io/is-default-class": default}
    spec = {"controller": "example.com/ingress"}
    desk.create(*CLASSES, name, "", "networking.k8s.io/v1", spec=spec, metadata={"annotations": annotations})


def test_an_ingress_takes_the_default_class(desk):
    assert "ingressClassName" not in ingress(desk, "none")["spec"]
    ingress_class(desk, "other", "false")
    ingress_class(desk, "usual", "true")
    assert ingress(desk, "some")["spec"]["ingressClassName"] == "usual"
    assert ingress(desk, "own", ingressClassName="other")["spec"]["ingressClassName"] == "other"


def claim(desk, name, **spec):
    size = {"requests": {"storage": "1Gi"}}
    return desk.create(
        "persistentvolumeclaims", "PersistentVolumeClaim", name, spec={"accessModes": ["ReadWriteOnce"], "resources": size, **spec}
    )


def storage_class(desk, name, **fields):
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"}
    kind = ("storageclasses.storage.k8s.io", "StorageClass")
    desk.create(*kind, name, "", "storage.k8s.io/v1", provisioner="x", metadata={"annotations": annotations}, **fields)


def test_a_claim_takes_the_default_class_unless_it_wants_none(desk):
    storage_class(desk, "fast")
    made = claim(desk, "data")
    assert made["spec"]["storageClassName"] == "fast"
    assert made["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    assert claim(desk, "bare", storageClassName="")["spec"]["storageClassName"] == ""


def test_a_bound_claim_grows_where_its_class_allows_it(desk):
    storage_class(desk, "fixed")
    made = claim(desk, "data", volumeName="v")
    bound = desk.client.update("persistentvolumeclaims", put(made, "status", freeze({"phase": "Bound"})), subresource="status")
    bigger = put(bound, "spec.resources.requests.storage", "2Gi")
    assert desk.refusal(lambda: desk.client.update("persistentvolumeclaims", bigger)).endswith(
        "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"
    )


def test_nothing_is_created_where_there_is_no_namespace(desk):
    with pytest.raises(ApiError) as error:
        desk.create("configmaps", "ConfigMap", "a", "nowhere")
    assert (error.value.code, error.value.message) == (404, 'namespaces "nowhere" not found')


def test_nothing_is_created_in_a_namespace_that_ends(desk):
    desk.create("namespaces", "Namespace", "gone", "")
    desk.create("configmaps", "ConfigMap", "a", "gone")
    desk.client.delete("namespaces", "gone")
    with pytest.raises(ApiError) as error:
        desk.create("configmaps", "ConfigMap", "b", "gone")
    assert error.value.message == (
        'configmaps "b" is forbidden: unable to create new content in namespace gone because it is being terminated'
    )
    assert error.value.details["causes"] == [
        {"reason": "NamespaceTerminating", "message": "namespace gone is being terminated", "field": "metadata.namespace"}
    ]


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
def test_three_namespaces_never_end(desk, name):
    words = f'namespaces "{name}" is forbidden: this namespace may not be deleted'
    assert desk.refusal(lambda: desk.client.delete("namespaces", name)) == words
