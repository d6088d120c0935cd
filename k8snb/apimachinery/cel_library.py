"""What Kubernetes adds to CEL: the types of its variables and its function libraries, as tables.

    quantity("500m").isLessThan(quantity("1"))    ip("10.0.0.1").family()    cidr("10.0.0.0/8").containsIP("10.1.2.3")
    url("https://a.b/c").getHost()                [1, 2].sum()               authorizer.group("apps").resource("pods").check("list")

A value that CEL itself does not know (a quantity, an address) travels as a small message with its text. An authorizer travels as
the question that it stands for; who answers it is bound for the time of one evaluation (:func:`answering`).

Models: k8s.io/apiserver/pkg/cel/library/{quantity,ip,cidr,urls,lists,regex,authz,semverlib,jsonpatch}.go,
pkg/cel/admission (BuildRequestType).
Simplified: lists have no ``indexOf`` and ``lastIndexOf`` (the library has these names for text); ``sum`` is of any numbers;
``findAll`` leaves empty matches out.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cel_expr_python import cel
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory, struct_pb2

from k8snb.apimachinery import quantity as quantities
from k8snb.apimachinery.errors import quote

EXTENSIONS = ("strings", "sets", "optional", "bindings", "two-var-comprehensions")
REQUEST, QUANTITY, URL, IP, CIDR, SEMVER = (
    "kubernetes.AdmissionRequest", "kubernetes.Quantity", "kubernetes.URL", "net.IP", "net.CIDR", "kubernetes.Semver",
)  # fmt: skip
AUTHORIZER, PATH_CHECK, GROUP_CHECK, RESOURCE_CHECK, DECISION = (
    f"kubernetes.authorization.{name}" for name in ("Authorizer", "PathCheck", "GroupCheck", "ResourceCheck", "Decision")
)
PATCH = "JSONPatch"
_WHILE = "parse error during conversion from string"
_TEXT = {"text": "string"}
_ASKED = dict.fromkeys(("user", "group", "resource", "subresource", "namespace", "name", "path"), "string") | {"groups": "[string]"}
_MESSAGES: dict[str, dict[str, str]] = {
    "kubernetes.GroupVersionKind": {"group": "string", "version": "string", "kind": "string"},
    "kubernetes.GroupVersionResource": {"group": "string", "version": "string", "resource": "string"},
    "kubernetes.UserInfo": {"username": "string", "uid": "string", "groups": "[string]", "extra": "dyn"},
    REQUEST: {
        "kind": "kubernetes.GroupVersionKind", "resource": "kubernetes.GroupVersionResource", "subResource": "string",
        "requestKind": "kubernetes.GroupVersionKind", "requestResource": "kubernetes.GroupVersionResource",
        "requestSubResource": "string", "name": "string", "namespace": "string", "operation": "string",
        "userInfo": "kubernetes.UserInfo", "dryRun": "bool", "options": "dyn",
    },
    QUANTITY: _TEXT, URL: _TEXT, IP: _TEXT, CIDR: _TEXT, SEMVER: _TEXT,
    AUTHORIZER: _ASKED, PATH_CHECK: _ASKED, GROUP_CHECK: _ASKED, RESOURCE_CHECK: _ASKED,
    DECISION: {"allowed": "bool", "reason": "string"},
    PATCH: {"op": "string", "path": "string", "from": "string", "value": "dyn"},
}  # fmt: skip
_SCALARS = {"string": 9, "bool": 8}


@cache
def pool() -> Any:
    """The types of :data:`_MESSAGES`, as the library wants them."""
    return pool_with([descriptor_pb2.FileDescriptorProto.FromString(struct_pb2.DESCRIPTOR.serialized_pb)])


def pool_with(files: Iterable[Any]) -> Any:
    """The same types after those of other files, the one of ``google.protobuf.Struct`` among them."""
    made = descriptor_pool.DescriptorPool()
    for file in files:
        made.Add(file)
    for package in sorted({name.rpartition(".")[0] for name in _MESSAGES}):
        made.Add(_file(package))
    return made


def _file(package: str) -> Any:
    struct = struct_pb2.DESCRIPTOR.name
    file = descriptor_pb2.FileDescriptorProto(name=f"{package or 'root'}.proto", package=package, syntax="proto3", dependency=[struct])
    for name, fields in _MESSAGES.items():
        if name.rpartition(".")[0] == package:
            message = file.message_type.add(name=name.rpartition(".")[2])
            for number, (field, type_) in enumerate(fields.items(), 1):
                _add_field(message, field, type_, number)
    return file


def _add_field(message: Any, name: str, type_: str, number: int) -> None:
    plain = type_.strip("[]")
    field = message.field.add(name=name, json_name=name, number=number, label=3 if type_ != plain else 1)
    if plain not in _SCALARS:
        field.type, field.type_name = 11, ".google.protobuf.Value" if plain == "dyn" else f".{plain}"
        return
    field.type = _SCALARS[plain]
    if type_ == plain:  # has(request.name) is whether it is set
        field.proto3_optional, field.oneof_index = True, len(message.oneof_decl)
        message.oneof_decl.add(name=f"_{name}")


@cache
def _class(name: str) -> Any:
    return message_factory.GetMessageClass(pool().FindMessageTypeByName(name))


def message(name: str, fields: Mapping[str, Any]) -> Any:
    """A message of one of the types here, from a JSON value."""
    return json_format.ParseDict(dict(fields), _class(name)())


def json_of(value: Any) -> Any:
    """The JSON value of a message; numbers that are whole are ints."""
    return _whole(json_format.MessageToDict(value, preserving_proto_field_name=True))


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


# The functions: (name, member, parameters, result, what it does), one row an overload

_Row = tuple[str, bool, tuple[str, ...], str, Callable[..., Any]]


@cache
def functions() -> list[Any]:
    """The declarations of all functions.

    At run time the library tells messages apart from texts, not from each other: overloads that differ in nothing else share one
    implementation, which looks.
    """
    alike: dict[tuple[Any, ...], list[_Row]] = {}
    overloads: dict[str, list[Any]] = {}
    for row in _rows():
        alike.setdefault(_at_run_time(row), []).append(row)
    for row in _rows():
        name, member, parameters, result, _ = row
        same = alike[_at_run_time(row)]
        implementation = {"impl": _looking(same)} if row is same[0] else {}
        types = [cel.Type(parameter) for parameter in parameters]
        made = overloads.setdefault(name, [])
        made.append(cel.Overload(f"k8s_{name}_{len(made)}", cel.Type(result), types, member, **implementation))
    return [cel.FunctionDecl(name, made) for name, made in overloads.items()]


def _at_run_time(row: _Row) -> tuple[Any, ...]:
    return row[0], row[1], *("message" if parameter in _MESSAGES else parameter for parameter in row[2])


def _looking(rows: list[_Row]) -> Callable[..., Any]:
    if len(rows) == 1:
        return rows[0][4]
    by_types = {tuple(parameter for parameter in row[2] if parameter in _MESSAGES): row[4] for row in rows}

    def call(*arguments: Any) -> Any:
        return by_types[tuple(value.DESCRIPTOR.full_name for value in arguments if hasattr(value, "DESCRIPTOR"))](*arguments)

    return call


@cache
def _rows() -> tuple[_Row, ...]:
    escape: _Row = ("jsonpatch.escapeKey", False, ("string",), "string", lambda key: key.replace("~", "~0").replace("/", "~1"))
    return (*_LISTS, *_REGEX, *_URLS, *_QUANTITIES, *_ADDRESSES, *_SEMVERS, *_AUTHORIZATION, escape)


def _parses(parse: Callable[[str], Any]) -> Callable[[str], bool]:
    def ok(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return ok


def _of(type_: str, parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """The function that makes a value of this type; a text that is none is an error."""
    return lambda text: _class(type_)(text=str(parse(text)))


def _sorted(items: Any) -> bool:
    values = list(items)
    return all(not later < earlier for earlier, later in pairwise(values))


def _extreme(pick: Callable[[Any], Any], name: str) -> Callable[[Any], Any]:
    def found(items: Any) -> Any:
        if not list(items):
            raise ValueError(f"{name} called on empty list")
        return pick(list(items))

    return found


_LISTS: tuple[_Row, ...] = (
    ("isSorted", True, ("list<dyn>",), "bool", _sorted),
    ("sum", True, ("list<dyn>",), "dyn", sum),
    ("min", True, ("list<dyn>",), "dyn", _extreme(min, "min")),
    ("max", True, ("list<dyn>",), "dyn", _extreme(max, "max")),
)


_GROUP = re.compile(r"\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]|\((?:\?P?<\w+>|(?!\?))", re.S)


@cache
def _extract_all() -> Any:
    """RE2, as in Kubernetes: it takes a time in line with the text, whatever the pattern. Python's own may take for ever."""
    config = cel.NewEnvConfigFromYaml("extensions:\n- name: optional\n- name: regex\n")
    types = {name: cel.Type("string") for name in ("text", "pattern")}
    return cel.NewEnv(config=config, variables=types).compile("regex.extractAll(text, pattern)")


def _find_all(text: str, pattern: str, most: int = -1) -> list[str]:
    """All matches, whole: the library would give the group instead, so groups are made to capture nothing."""
    whole = _GROUP.sub(lambda found: "(?:" if found[0].startswith("(") else found[0], pattern)
    found = _extract_all().eval(data={"text": text, "pattern": whole})
    if found.type().name() == "ERROR":
        raise ValueError(f"Illegal regex: {quote(pattern)}")
    values = list(found.plain_value())
    return values if most < 0 else values[:most]


def _find(text: str, pattern: str) -> str:
    return next(iter(_find_all(text, pattern)), "")


_REGEX: tuple[_Row, ...] = (
    ("find", True, ("string", "string"), "string", _find),
    ("findAll", True, ("string", "string"), "list<string>", _find_all),
    ("findAll", True, ("string", "string", "int"), "list<string>", _find_all),
)


def _url(text: str) -> str:
    parts = urlsplit(text)
    if not (parts.scheme or text.startswith("/")) or any(character.isspace() for character in text):
        raise ValueError(f"URL {_WHILE}: parse {quote(text)}: invalid URI for request")
    return text


def _host(text: str) -> str:
    return urlsplit(text).netloc.rpartition("@")[2]


def _query(text: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(text).query, keep_blank_values=True)


def _part(read: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda value: read(value.text)


_URLS: tuple[_Row, ...] = (
    ("url", False, ("string",), URL, _of(URL, _url)),
    ("isURL", False, ("string",), "bool", _parses(_url)),
    ("getScheme", True, (URL,), "string", _part(lambda text: urlsplit(text).scheme)),
    ("getHost", True, (URL,), "string", _part(_host)),
    ("getHostname", True, (URL,), "string", _part(lambda text: urlsplit(text).hostname or "")),
    ("getPort", True, (URL,), "string", _part(lambda text: str(urlsplit(text).port or ""))),
    ("getEscapedPath", True, (URL,), "string", _part(lambda text: urlsplit(text).path)),
    ("getQuery", True, (URL,), "map<string, list<string>>", _part(_query)),
)


def _quantity(text: str) -> str:
    quantities.parse(text)
    return text


def _amount(value: Any) -> Any:
    return quantities.exact(value.text) if not isinstance(value, int) else value


def _as_integer(value: Any) -> int:
    amount = _amount(value)
    if amount.denominator != 1:
        raise ValueError("cannot convert value to integer")
    return int(amount)


def _compared(left: Any, right: Any) -> int:
    a, b = Fraction(_amount(left)), Fraction(_amount(right))
    return (a > b) - (a < b)


def _summed(add: Callable[[str, str], str]) -> Callable[[Any, Any], Any]:
    return lambda left, right: _class(QUANTITY)(text=add(left.text, right if isinstance(right, str) else _text(right)))


def _text(value: Any) -> str:
    return str(value) if isinstance(value, int) else str(value.text)


_QUANTITIES: tuple[_Row, ...] = (
    ("quantity", False, ("string",), QUANTITY, _of(QUANTITY, _quantity)),
    ("isQuantity", False, ("string",), "bool", _parses(_quantity)),
    ("isInteger", True, (QUANTITY,), "bool", lambda value: _amount(value).denominator == 1),
    ("asInteger", True, (QUANTITY,), "int", _as_integer),
    ("asApproximateFloat", True, (QUANTITY,), "double", lambda value: float(_amount(value))),
    ("sign", True, (QUANTITY,), "int", lambda value: _compared(value, 0)),
    ("add", True, (QUANTITY, QUANTITY), QUANTITY, _summed(quantities.add)),
    ("add", True, (QUANTITY, "int"), QUANTITY, _summed(quantities.add)),
    ("sub", True, (QUANTITY, QUANTITY), QUANTITY, _summed(quantities.subtract)),
    ("sub", True, (QUANTITY, "int"), QUANTITY, _summed(quantities.subtract)),
    ("isLessThan", True, (QUANTITY, QUANTITY), "bool", lambda a, b: _compared(a, b) < 0),
    ("isGreaterThan", True, (QUANTITY, QUANTITY), "bool", lambda a, b: _compared(a, b) > 0),
    ("compareTo", True, (QUANTITY, QUANTITY), "int", _compared),
)


def _address(text: str) -> str:
    if "%" in text or text.lower().startswith("::ffff:"):
        raise ValueError(f"IP Address '{text}' {_WHILE}: IPv4-mapped and zoned addresses are not allowed")
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(f"IP Address '{text}' {_WHILE}: ParseAddr({quote(text)}): unable to parse IP") from None
    return text


def _network(text: str) -> str:
    try:
        if "/" in text:
            ipaddress.ip_interface(text)
            return text
    except ValueError:
        raise ValueError(f"network address {_WHILE}: netip.ParsePrefix({quote(text)}): unable to parse") from None
    raise ValueError(f"network address {_WHILE}: netip.ParsePrefix({quote(text)}): no '/'")


def _ip(value: Any) -> Any:
    return ipaddress.ip_address(value if isinstance(value, str) else value.text)


def _net(value: Any) -> Any:
    return ipaddress.ip_interface(value if isinstance(value, str) else value.text).network


def _contains(network: Any, other: Any) -> bool:
    inner = _net(other)
    return bool(inner.version == _net(network).version and inner.subnet_of(_net(network)))


def _asks_ip(question: str) -> Callable[[Any], bool]:
    return lambda value: bool(getattr(_ip(value), question))


_ADDRESSES: tuple[_Row, ...] = (
    ("ip", False, ("string",), IP, _of(IP, _address)),
    ("isIP", False, ("string",), "bool", _parses(_address)),
    ("ip.isCanonical", False, ("string",), "bool", lambda text: str(_ip(_address(text))) == text),
    ("family", True, (IP,), "int", lambda value: _ip(value).version),
    ("isUnspecified", True, (IP,), "bool", _asks_ip("is_unspecified")),
    ("isLoopback", True, (IP,), "bool", _asks_ip("is_loopback")),
    ("isLinkLocalUnicast", True, (IP,), "bool", _asks_ip("is_link_local")),
    ("cidr", False, ("string",), CIDR, _of(CIDR, _network)),
    ("isCIDR", False, ("string",), "bool", _parses(_network)),
    ("containsIP", True, (CIDR, IP), "bool", lambda network, value: _ip(value) in _net(network)),
    ("containsIP", True, (CIDR, "string"), "bool", lambda network, text: _ip(_address(text)) in _net(network)),
    ("containsCIDR", True, (CIDR, CIDR), "bool", _contains),
    ("containsCIDR", True, (CIDR, "string"), "bool", lambda network, text: _contains(network, _network(text))),
    ("prefixLength", True, (CIDR,), "int", lambda value: _net(value).prefixlen),
    ("ip", True, (CIDR,), IP, lambda value: _class(IP)(text=value.text.partition("/")[0])),
    ("masked", True, (CIDR,), CIDR, lambda value: _class(CIDR)(text=str(_net(value)))),
)

_SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")


def _semver(text: str) -> str:
    if not _SEMVER.fullmatch(text):
        raise ValueError(f"semver parse error during conversion from string: {text}")
    return text


def _precedence(value: Any) -> tuple[Any, ...]:
    found = _SEMVER.fullmatch(value.text)
    assert found is not None
    before = [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in (found[4] or "").split(".") if part]
    return (*(int(found[number]) for number in (1, 2, 3)), not before, before)


_SEMVERS: tuple[_Row, ...] = (
    ("semver", False, ("string",), SEMVER, _of(SEMVER, _semver)),
    ("isSemver", False, ("string",), "bool", _parses(_semver)),
    ("major", True, (SEMVER,), "int", lambda value: _precedence(value)[0]),
    ("minor", True, (SEMVER,), "int", lambda value: _precedence(value)[1]),
    ("patch", True, (SEMVER,), "int", lambda value: _precedence(value)[2]),
    ("isLessThan", True, (SEMVER, SEMVER), "bool", lambda a, b: _precedence(a) < _precedence(b)),
    ("isGreaterThan", True, (SEMVER, SEMVER), "bool", lambda a, b: _precedence(a) > _precedence(b)),
    ("compareTo", True, (SEMVER, SEMVER), "int", lambda a, b: (_precedence(a) > _precedence(b)) - (_precedence(a) < _precedence(b))),
)

# Who may do what: the answer is the authorizer's of the evaluation that is under way

Answer = Callable[[Mapping[str, Any], str], tuple[bool, str]]
_answers: list[Answer] = []


@contextmanager
def answering(answer: Answer) -> Iterator[None]:
    """Let ``check`` be answered, from what is asked and the verb, while an expression is evaluated."""
    _answers.append(answer)
    try:
        yield
    finally:
        _answers.pop()


def _asking(type_: str, field: str) -> Callable[[Any, str], Any]:
    def asked(about: Any, value: str) -> Any:
        return message(type_, json_of(about) | {field: value})

    return asked


def _service_account(about: Any, namespace: str, name: str) -> Any:
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
    return message(AUTHORIZER, json_of(about) | {"user": f"system:serviceaccount:{namespace}:{name}", "groups": groups})


def _checked(about: Any, verb: str) -> Any:
    if not _answers:
        raise ValueError("no authorizer is bound here")
    allowed, reason = _answers[-1](json_of(about), verb)
    return message(DECISION, {"allowed": allowed, "reason": reason})


_AUTHORIZATION: tuple[_Row, ...] = (
    ("path", True, (AUTHORIZER, "string"), PATH_CHECK, _asking(PATH_CHECK, "path")),
    ("group", True, (AUTHORIZER, "string"), GROUP_CHECK, _asking(GROUP_CHECK, "group")),
    ("serviceAccount", True, (AUTHORIZER, "string", "string"), AUTHORIZER, _service_account),
    ("resource", True, (GROUP_CHECK, "string"), RESOURCE_CHECK, _asking(RESOURCE_CHECK, "resource")),
    ("subresource", True, (RESOURCE_CHECK, "string"), RESOURCE_CHECK, _asking(RESOURCE_CHECK, "subresource")),
    ("namespace", True, (RESOURCE_CHECK, "string"), RESOURCE_CHECK, _asking(RESOURCE_CHECK, "namespace")),
    ("name", True, (RESOURCE_CHECK, "string"), RESOURCE_CHECK, _asking(RESOURCE_CHECK, "name")),
    ("check", True, (PATH_CHECK, "string"), DECISION, _checked),
    ("check", True, (RESOURCE_CHECK, "string"), DECISION, _checked),
    ("allowed", True, (DECISION,), "bool", lambda decision: decision.allowed),
    ("reason", True, (DECISION,), "string", lambda decision: decision.reason),
    ("errored", True, (DECISION,), "bool", lambda _: False),
    ("error", True, (DECISION,), "string", lambda _: ""),
)
