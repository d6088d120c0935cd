"""The logins for registries that a pod brings along: its ``imagePullSecrets``.

Two types of Secret hold them: ``kubernetes.io/dockerconfigjson`` (key ``.dockerconfigjson``) and the older
``kubernetes.io/dockercfg`` (key ``.dockercfg``). A Secret that is missing or cannot be read does not stop the pull: it is only
said, and the pull goes without it.

Models: pkg/kubelet/kubelet_pods.go (getPullSecretsForPod), pkg/credentialprovider (secrets, keyring).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from k8snb.apimachinery.objects import Object

KEYS = {"kubernetes.io/dockerconfigjson": ".dockerconfigjson", "kubernetes.io/dockercfg": ".dockercfg"}
Login = tuple[str, str, str]  # registry, user, password


def logins_of(pod: Object, find: Callable[[str, str], Object | None]) -> tuple[tuple[Login, ...], list[str]]:
    """The logins of a pod's Secrets, and the names of those Secrets that are not there."""
    found: list[Login] = []
    missing: list[str] = []
    for reference in pod["spec"].get("imagePullSecrets") or ():
        name = reference.get("name", "")
        secret = find("secrets", name) if name else None
        if secret is None:
            missing.append(name)
        else:
            found += _logins(secret)
    return tuple(found), missing


def _logins(secret: Object) -> Iterator[Login]:
    key = KEYS.get(secret.get("type", ""), "")
    try:
        config: Any = json.loads(base64.b64decode((secret.get("data") or {}).get(key, "")))
        entries = config.get("auths", {}) if key == ".dockerconfigjson" else config
        for registry, entry in entries.items():
            yield registry, *_user(entry)
    except (ValueError, AttributeError, binascii.Error):
        return  # what cannot be read opens nothing


def _user(entry: Mapping[str, str]) -> tuple[str, str]:
    """``auth`` counts before ``username`` and ``password``, as in Docker's own file."""
    if entry.get("auth"):
        user, _, password = base64.b64decode(entry["auth"]).decode().partition(":")
        return user, password
    return entry.get("username", ""), entry.get("password", "")
