"""From HTTP to a :class:`~k8snb.apiserver.request.Request`, and back: what every door to the API server has in common.

    PATCH /apis/apps/v1/namespaces/shop/deployments/web/scale?fieldManager=jane
    Request(verb="patch", group="apps", version="v1", resource="deployments", namespace="shop", name="web", subresource="scale")

There are two doors: the endpoint on loopback for real clients (:mod:`k8snb.http`), and the Service ``kubernetes`` for programs in Pods
(:mod:`k8snb.network.api_server`). Pure: text in, data out. What a URL means: :mod:`k8snb.apiserver.addresses`.

Models: k8s.io/apiserver/pkg/endpoints/handlers (decoding, isPrettyPrint), responsewriters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

from k8snb.apimachinery import json_reader
from k8snb.apimachinery.errors import ApiError, bad_request
from k8snb.apimachinery.gotext import go_json
from k8snb.apimachinery.objects import Object
from k8snb.apimachinery.strconv import integer
from k8snb.apimachinery.yaml import documents
from k8snb.apiserver.addresses import PROXY, options_of, proxied, target_of, verb_of
from k8snb.apiserver.request import APPLY_PATCH, Request, User

if TYPE_CHECKING:
    from k8snb.apiserver.catalogue import Catalogue


class Message(NamedTuple):
    """An HTTP message: ``header(name)`` gives a header's value or an empty text, ``decode(media, patch type)`` the value in the body."""

    method: str
    url: str
    header: Callable[[str], str]
    decode: Callable[[str, str], Any]
    handed_on: Any = ()  # the headers that a proxy may hand on
    text: str = ""


def request_of(message: Message, user: User) -> Request:
    """The request behind an HTTP message. Raises ApiError 400 for a body that cannot be read."""
    path, _, query = message.url.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    target = target_of(path)
    verb = verb_of(message.method, target, dict(pairs))
    media = (message.header("Content-Type") or "application/json").partition(";")[0].strip()
    patch_type = media if verb == "patch" else ""
    value: Any
    if target.subresource == PROXY:
        patch_type, value = "", proxied(target, message.method, query, headers=message.handed_on, body=message.text)
    else:
        value = message.decode(media, patch_type)
    return Request(
        verb, target.group, target.version, target.resource, target.namespace, target.name, target.subresource,
        body=_delete_options(dict(pairs)) if value is None and verb in _DELETES else value,
        patch_type=patch_type, options=options_of(pairs, as_table="as=Table" in message.header("Accept")), user=user,
        agent=(message.header("User-Agent") or "unknown").partition(" ")[0].partition("/")[0], path=target.path,
    )  # fmt: skip


_DELETES = ("delete", "deletecollection")


def _delete_options(asked: Mapping[str, str]) -> dict[str, Any] | None:
    """The options of a deletion from its query, where it has no body."""
    found: dict[str, Any] = {"propagationPolicy": asked["propagationPolicy"]} if asked.get("propagationPolicy") else {}
    if (grace := integer(asked.get("gracePeriodSeconds"))) is not None:
        found["gracePeriodSeconds"] = grace
    if asked.get("orphanDependents"):
        found["orphanDependents"] = asked["orphanDependents"] in ("true", "1")
    return found or None


def decoded(text: str, media: str, patch_type: str) -> Any:
    """The value in a body of JSON or YAML; None where there is none. Raises ApiError 400."""
    if not text:
        return None
    try:
        if patch_type == APPLY_PATCH or media in ("application/yaml", "application/vnd.kubernetes+yaml"):
            return next((document.value for document in documents(text)), None)
        return json_reader.read(text)
    except ValueError as error:
        raise unreadable(str(error), patch_type) from None


def unreadable(words: str, patch_type: str) -> ApiError:
    """What is said of a body that cannot be read."""
    unrecognized = f"the object provided is unrecognized (must be of type): couldn't get version/kind; json parse error: {words}"
    return bad_request(words if patch_type else unrecognized)


def bare(catalogue: Catalogue, request: Request, body: Object) -> Any:
    """A list as Go writes it: the items of built-in types do not repeat their type."""
    resource = catalogue.by_path.get((request.group, request.version, request.resource))
    if resource is None or resource.custom or "items" not in body:
        return body
    items = [{key: value for key, value in item.items() if key not in ("apiVersion", "kind")} for item in body["items"]]
    return {**body, "items": items}


def _in_order(obj: Any) -> Any:
    """What an object is and what it is called come first."""
    first = ("kind", "apiVersion", "metadata")
    return {**{key: obj[key] for key in first if key in obj}, **obj} if isinstance(obj, Mapping) else obj


_READ_BY_PEOPLE = ("curl", "Wget", "Mozilla/5.0")


def written(body: Any, agent: str) -> str:
    """An answer as JSON: indented for programs that people use to look at it."""
    if agent.startswith(_READ_BY_PEOPLE):
        whole = {**_in_order(body), "items": [_in_order(item) for item in body["items"]]} if "items" in body else _in_order(body)
        return go_json(whole, sort=False, indent=2)
    return go_json(body, sort=False) + "\n"
