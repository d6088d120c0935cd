"""Requests that are about the server, not about objects: what it serves, its version, its health.

    /api, /apis                      aggregated discovery (apidiscovery.k8s.io/v2), from the catalogue
    /api/v1, /apis/<group>/<version> one group version, in the older form
    /version  /healthz  /livez  /readyz

Models: k8s.io/apiserver/pkg/endpoints/discovery. OpenAPI documents come with the HTTP endpoint.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8snb.apimachinery.errors import ApiError
from k8snb.apimachinery.objects import Object, freeze
from k8snb.apimachinery.resource import Resource
from k8snb.apiserver.context import Context


def answer(context: Context) -> Object:
    """The document behind the request's path. Raises ApiError 404 for paths that are not served."""
    path = context.request.path.rstrip("/") or "/"
    if path == "/version":
        return version(context.server.config.version)
    if path.split("/")[1] in HEALTH:
        return health(path.split("/")[1], path.split("/", 2)[2:], context.request.options.parameters)
    resources = context.server.catalogue.all()
    if path in ("/api", "/apis"):
        return aggregated([r for r in resources if (r.group == "") == (path == "/api")])
    parts = path.strip("/").split("/")
    group, wanted = ("", parts[1:]) if parts[0] == "api" else (parts[1] if len(parts) > 1 else "", parts[2:])
    found = [r for r in resources if r.group == group and [r.version] == wanted]
    if not found or parts[0] not in ("api", "apis"):
        raise ApiError(404, "NotFound", "the server could not find the requested resource", {})
    return group_version(found)


_EARLY = (
    "poststarthook/start-apiserver-admission-initializer", "poststarthook/generic-apiserver-start-informers",
    "poststarthook/priority-and-fairness-config-consumer", "poststarthook/priority-and-fairness-filter",
    "poststarthook/storage-object-count-tracker-hook", "poststarthook/start-apiextensions-informers",
    "poststarthook/start-apiextensions-controllers", "poststarthook/crd-informer-synced",
    "poststarthook/start-system-namespaces-controller", "poststarthook/start-cluster-authentication-info-controller",
    "poststarthook/start-kube-apiserver-identity-lease-controller",
    "poststarthook/start-kube-apiserver-identity-lease-garbage-collector",
    "poststarthook/start-legacy-token-tracking-controller", "poststarthook/start-service-ip-repair-controllers",
    "poststarthook/rbac/bootstrap-roles", "poststarthook/scheduling/bootstrap-system-priority-classes",
    "poststarthook/priority-and-fairness-config-producer", "poststarthook/bootstrap-controller",
    "poststarthook/start-kubernetes-service-cidr-controller", "poststarthook/aggregator-reload-proxy-client-cert",
    "poststarthook/start-kube-aggregator-informers", "poststarthook/apiservice-status-local-available-controller",
    "poststarthook/apiservice-status-remote-available-controller", "poststarthook/apiservice-registration-controller",
    "poststarthook/apiservice-discovery-controller", "poststarthook/kube-apiserver-autoregistration", "autoregister-completion",
    "poststarthook/apiservice-openapi-controller", "poststarthook/apiservice-openapiv3-controller",
)  # fmt: skip
HEALTH = {  # path -> the checks behind it; whoever is asked answers, so all of them are well
    "healthz": ("ping", "log", "etcd", *_EARLY),
    "livez": ("ping", "log", "etcd", *_EARLY),
    "readyz": ("ping", "log", "etcd", "etcd-readiness", "informer-sync", *_EARLY, "shutdown"),
}


def health(kind: str, rest: list[str], parameters: Iterable[tuple[str, str]]) -> Object:
    """``ok``, or with ``verbose`` a line for each check; ``/readyz/etcd`` asks one of them. Raises ApiError 404 for another."""
    checks, asked = HEALTH[kind], list(parameters)
    if rest and rest[0] not in checks:
        raise ApiError(404, "NotFound", "the server could not find the requested resource", {})
    excluded = [value for key, value in asked if key == "exclude"]
    text = "ok"
    if not rest and any(key == "verbose" for key, _ in asked):
        lines = [f"[+]{name} excluded: ok" if name in excluded else f"[+]{name} ok" for name in checks]
        text = "\n".join([*lines, f"{kind} check passed", ""])
    return freeze({"kind": "Text", "text": text})  # type: ignore[no-any-return]


def version(text: str) -> Object:
    """What ``/version`` says."""
    major, minor = text.lstrip("v").split(".")[:2]
    return freeze({  # type: ignore[no-any-return]
        "major": major, "minor": minor, "gitVersion": text, "platform": "linux/amd64", "compiler": "gc",
        "goVersion": "go1.26", "gitTreeState": "clean", "gitCommit": "", "buildDate": "",
    })  # fmt: skip


def aggregated(resources: list[Resource]) -> Object:
    """All groups, versions and resources in one document."""
    groups: dict[str, dict[str, list[Resource]]] = {}
    for resource in resources:
        groups.setdefault(resource.group, {}).setdefault(resource.version, []).append(resource)
    items = [
        {"metadata": {"name": group} if group else {}, "versions": [
            {"version": name, "freshness": "Current", "resources": [_entry(r) for r in found]} for name, found in versions.items()
        ]}
        for group, versions in groups.items()
    ]  # fmt: skip
    return freeze({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})  # type: ignore[no-any-return]


def unaggregated(body: Object) -> Object:
    """The older form of an aggregated document: ``APIVersions`` for the core group, else an ``APIGroupList``."""
    groups = [
        {"name": item["metadata"].get("name", ""), "versions": [_version(item, v) for v in item["versions"]],
         "preferredVersion": _version(item, item["versions"][0])}
        for item in body["items"]
    ]  # fmt: skip
    if [group["name"] for group in groups] == [""]:
        names = [v["version"] for v in body["items"][0]["versions"]]
        return freeze({"kind": "APIVersions", "versions": names, "serverAddressByClientCIDRs": []})  # type: ignore[no-any-return]
    return freeze({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})  # type: ignore[no-any-return]


def _version(item: Object, version: Object) -> dict[str, str]:
    group = item["metadata"].get("name", "")
    name = version["version"]
    return {"groupVersion": f"{group}/{name}" if group else name, "version": name}


def _kind(kind: str) -> dict[str, str]:
    """The kind of a body, from ``policy/v1 Eviction``, or from the kind alone where it is of the parent's group version."""
    api_version, _, name = kind.rpartition(" ")
    group, _, version = api_version.rpartition("/")
    return {"group": group, "version": version, "kind": name}


def _entry(resource: Resource) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "resource": resource.plural,
        "responseKind": {"group": resource.group if resource.custom else "", "version": "", "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster", "singularResource": resource.singular, "verbs": list(resource.verbs),
    }  # fmt: skip
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.subresources:
        entry["subresources"] = [
            {"subresource": s.name, "responseKind": _kind(s.kind or resource.kind), "verbs": list(s.verbs)}
            for s in resource.subresources.values()
        ]
    return entry


def group_version(resources: list[Resource]) -> Object:
    """One group version as an ``APIResourceList``."""
    rows: list[dict[str, Any]] = []
    for r in resources:
        base = {"namespaced": r.namespaced, "kind": r.kind}
        extra: dict[str, Any] = {"shortNames": list(r.short_names)} if r.short_names else {}
        if r.categories:
            extra["categories"] = list(r.categories)
        rows.append({"name": r.plural, "singularName": r.singular, "verbs": list(r.verbs), **base, **extra})
        for s in r.subresources.values():
            kind = {key: value for key, value in _kind(s.kind or r.kind).items() if value}
            rows.append({"name": f"{r.plural}/{s.name}", "singularName": "", "verbs": list(s.verbs), **base, **kind})
    return freeze({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": resources[0].api_version, "resources": rows})  # type: ignore[no-any-return]
