"""Nobody below ``http`` asks the wall clock, rolls its own dice, starts a thread or depends on the address of an object.

The same seed and inputs must give the same bytes, under every hash seed. These are the ways in which Python breaks that
quietly; the remedy stands beside each.
"""

import ast

import pytest

from tests.house.source import Source, sources

MODULES = {
    "time": "time is virtual: kernel.now, kernel.after(...)",
    "random": "randomness is a named stream: kernel.rng('kubelet/node-1')",
    "secrets": "randomness is a named stream: kernel.rng('...')",
    "uuid": "UIDs come from a stream: kernel.rng('...')",
    "threading": "components are steps of the kernel, not threads",
    "_thread": "components are steps of the kernel, not threads",
    "multiprocessing": "components are steps of the kernel, not processes",
    "concurrent": "components are steps of the kernel, not threads",
    "asyncio": "components are steps of the kernel, not coroutines",
    "socket": "only http, kubectl, notebook and cli do input and output",
    "pickle": "state is saved as JSON",
}
HASH = "hash() of a string differs under every PYTHONHASHSEED: use hashlib"
ADDRESS = "an address is no order and no name; it may only be the key of a memo"
ORDERING = {"sorted", "sort", "min", "max"}
METHODS = {
    "now": "datetime.now is the wall clock: kernel.now",
    "utcnow": "datetime.utcnow is the wall clock: kernel.now",
    "today": "datetime.today is the wall clock: kernel.now",
    "urandom": "randomness is a named stream: kernel.rng('...')",
}
ABOVE = ("k8snb/cli.py", "k8snb/course/", "k8snb/notebook/", "k8snb/cluster.py", "k8snb/widgets/", "k8snb/http/", "k8snb/__init__.py")
PACE = "k8snb/sim/pace.py"  # the one place that waits for real seconds
MAY_CLOCK_BE_READ = ("k8snb/widgets/", "k8snb/http/", "k8snb/notebook/", "k8snb/cli.py")
CLOCKS = ("datetime", "date", "os")


def findings(source: Source) -> list[str]:
    """What this file does that could differ tomorrow, as ``file:line what: remedy``."""
    rows = []
    for node in ast.walk(source.tree):
        rows += [f"{source.name}:{node.lineno} {what}" for what in banned(node)]
    return rows


def banned(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [f"imports {a.name}: {MODULES[a.name.split('.')[0]]}" for a in node.names if a.name.split(".")[0] in MODULES]
    if isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] in MODULES:
        return [f"imports {node.module}: {MODULES[node.module.split('.')[0]]}"]
    if isinstance(node, ast.Call):
        return banned_call(node)
    if isinstance(node, ast.JoinedStr) and uses_address(node):
        return [f"prints id(): {ADDRESS}"]
    return banned_iteration(node)


def banned_call(call: ast.Call) -> list[str]:
    function = call.func
    name = base_name(function)
    if isinstance(function, ast.Name) and name == "hash":
        return [f"calls hash(): {HASH}"]
    if name in ORDERING and any(uses_address(part) for part in (*call.args, *call.keywords)):
        return [f"orders by id(): {ADDRESS}"]
    if isinstance(function, ast.Attribute) and function.attr in METHODS and base_name(function.value) in CLOCKS:
        return [f"calls {function.attr}(): {METHODS[function.attr]}"]
    return []


def uses_address(node: ast.AST) -> bool:
    """Whether the builtin ``id`` is named anywhere below; an attribute called id is something else."""
    return any(isinstance(part, ast.Name) and part.id == "id" for part in ast.walk(node))


def base_name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def banned_iteration(node: ast.AST) -> list[str]:
    """A loop straight over a set display, a set comprehension or ``set(...)``: its order differs with the hash seed."""
    loops = [node.iter] if isinstance(node, (ast.For, ast.comprehension)) else []
    return ["iterates over a set: sort it" for loop in loops if is_set(loop)] if hasattr(node, "lineno") else []


def is_set(node: ast.expr) -> bool:
    called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"set", "frozenset"}
    return called or isinstance(node, (ast.Set, ast.SetComp))


def below_http() -> list[Source]:
    return [source for source in sources() if not source.name.startswith(ABOVE) and source.name != PACE]


def test_nothing_below_http_depends_on_the_machine_or_the_moment():
    assert [row for source in below_http() for row in findings(source)] == []


def test_only_the_edges_read_a_clock():
    edges = [s for s in sources() if s.name.startswith(ABOVE) and not s.name.startswith(MAY_CLOCK_BE_READ)]
    clocks = [row for source in edges for row in findings(source) if "imports time" in row or "imports random" in row]
    assert clocks == []


BANNED = (
    "import time", "from random import choice", "import asyncio.events", "x = hash('web')", "sorted(pods, key=id)",
    "pods.sort(key=lambda p: id(p))", "f'<Pod {id(pod)}>'", "datetime.now()", "datetime.datetime.now()", "os.urandom(4)",
    "for x in {1, 2}: pass", "for x in set(names): pass",
)  # fmt: skip
FINE = ("kernel.now", "for x in sorted({1, 2}): pass", "from k8snb.sim import time", "pod.id", "memo[id(pod)] = pod")


@pytest.mark.parametrize("line", BANNED)
def test_the_ban_finds_what_it_is_for(line):
    assert len(findings(Source("x.py", line, ast.parse(line)))) == 1


@pytest.mark.parametrize("line", FINE)
def test_the_ban_leaves_the_rest_alone(line):
    assert findings(Source("x.py", line, ast.parse(line))) == []
