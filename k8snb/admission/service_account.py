"""A pod runs as a service account; its token is mounted into every container, and its pull secrets are passed on.

The volume's name is random, so every pod of a ReplicaSet gets its own containers here; nothing but the lists on the way
to the mounts is copied, everything else is shared with the template.

Models: plugin/pkg/admission/serviceaccount/admission.go.
Simplified: the annotation that limits which secrets a pod may mention (kubernetes.io/enforce-mountable-secrets) is
honoured for volumes, environment and pull secrets as upstream; legacy token secrets do not exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from k8snb.admission.plugin import Context, forbidden, is_plain
from k8snb.apimachinery.meta import annotation
from k8snb.apimachinery.objects import EMPTY_LIST, FrozenDict, FrozenList, Object, dig, freeze
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.request import Request
from k8snb.resources.common.pod_annotations import is_mirror

VOLUME = "kube-api-access"
MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
EXPIRATION_SECONDS = 60 * 60 + 7
ENFORCE = "kubernetes.io/enforce-mountable-secrets"
SOURCE = freeze({
    "sources": [
        {"serviceAccountToken": {"expirationSeconds": EXPIRATION_SECONDS, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
    ],
    "defaultMode": 0o644,
})  # fmt: skip


class ServiceAccount:
    """Writes ``serviceAccountName``, the token volume and its mounts, ``imagePullSecrets``."""

    name = "ServiceAccount"
    handles = ("create",)
    resources = ("pods",)

    def admit(self, context: Context, request: Request, resource: Resource, obj: Object, old: Object | None) -> Object:
        """The pod with its account."""
        if not is_plain(request, resource, "pods"):
            return obj
        if is_mirror(obj):
            self._refuse_mirror(request, resource, obj)
            return obj
        spec = obj["spec"]
        name = spec.get("serviceAccountName") or "default"
        account = self._account(context, request, resource, (obj, name))
        changed: dict[str, Any] = {"serviceAccountName": name, "serviceAccount": name}
        if _automounts(account, spec):
            changed |= with_token(spec, lambda: context.token(5))
        if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
            changed["imagePullSecrets"] = FrozenList([freeze({"name": s.get("name", "")}) for s in account["imagePullSecrets"]])
        return FrozenDict(obj | {"spec": FrozenDict(spec | changed)})

    def validate(self, context: Context, request: Request, resource: Resource, obj: Object, old: Object | None) -> None:
        """The account exists still; where it enforces a list of secrets, only those are mentioned."""
        if not is_plain(request, resource, "pods") or is_mirror(obj):
            return
        name = obj["spec"].get("serviceAccountName", "")
        account = self._account(context, request, resource, (obj, name))
        if annotation(account, ENFORCE) == "true":
            allowed = {s.get("name") for s in account.get("secrets", ())}
            pulls = {s.get("name") for s in account.get("imagePullSecrets", ())}
            for words, secret in _secrets(obj["spec"]):
                if secret not in (pulls if words.startswith("imagePullSecrets") else allowed):
                    where = f'{words}, secret "{secret}"' if words else f'volume with secret.secretName="{secret}"'
                    raise forbidden(
                        request, resource, obj, f"{where} is not allowed because service account {name} does not reference that secret"
                    )

    def _account(self, context: Context, request: Request, resource: Resource, pod: tuple[Object, str]) -> Object:
        obj, name = pod
        account = context.get("serviceaccounts", name, request.namespace)
        if account is None:
            why = f'error looking up service account {request.namespace}/{name}: serviceaccount "{name}" not found'
            raise forbidden(request, resource, obj, why)
        return account

    def _refuse_mirror(self, request: Request, resource: Resource, obj: Object) -> None:
        spec = obj["spec"]
        if spec.get("serviceAccountName"):
            raise forbidden(request, resource, obj, "a mirror pod may not reference service accounts")
        for words, _secret in _secrets(spec):
            if not words.startswith("imagePullSecrets"):
                raise forbidden(request, resource, obj, "a mirror pod may not reference secrets")
        for volume in spec.get("volumes", ()):
            if any("serviceAccountToken" in source for source in dig(volume, "projected.sources", ())):
                raise forbidden(request, resource, obj, "a mirror pod may not use ServiceAccountToken volume projections")


def _automounts(account: Object, spec: Any) -> bool:
    asked = spec.get("automountServiceAccountToken")
    if asked is None:
        asked = account.get("automountServiceAccountToken")
    return asked is None or bool(asked)


def with_token(spec: Any, token: Any) -> dict[str, Any]:
    """The changed fields of a pod spec whose containers mount the token; ``token()`` gives five random letters."""
    volumes = spec.get("volumes") or EMPTY_LIST
    known = next((v["name"] for v in volumes if v.get("name", "").startswith(VOLUME + "-")), None)
    name = known or f"{VOLUME}-{token()}"
    mount = FrozenDict({"name": name, "readOnly": True, "mountPath": MOUNT_PATH})
    changed: dict[str, Any] = {}
    for key in ("initContainers", "containers"):
        before = spec.get(key)
        if not before:
            continue
        after = [_mounting(container, mount) for container in before]
        if any(new is not old for new, old in zip(after, before, strict=True)):
            changed[key] = FrozenList(after)
    if changed and known is None:
        changed["volumes"] = FrozenList([*volumes, FrozenDict({"name": name, "projected": SOURCE})])
    return changed


def _mounting(container: Any, mount: FrozenDict) -> Any:
    mounts = container.get("volumeMounts") or EMPTY_LIST
    for one in mounts:
        if one.get("mountPath") == MOUNT_PATH:  # what the user mounted there stays
            return container
    return FrozenDict({**container, "volumeMounts": FrozenList([*mounts, mount])})


def _secrets(spec: Any) -> Iterator[tuple[str, str]]:
    for volume in spec.get("volumes", ()):
        if "secret" in volume:
            yield "", dig(volume, "secret.secretName", "")
    for kind, key in (("init container", "initContainers"), ("container", "containers")):
        for container in spec.get(key, ()):
            for env in container.get("env", ()):
                if dig(env, "valueFrom.secretKeyRef") is not None:
                    words = f"{kind} {container['name']} with envVar {env['name']} referencing secret.secretName"
                    yield words, dig(env, "valueFrom.secretKeyRef.name", "")
    for reference in spec.get("imagePullSecrets", ()):
        yield "imagePullSecrets", reference.get("name", "")
