"""Commands that use the network: wget, curl, nslookup, nc, and BusyBox' small web server.

Models: the applets of BusyBox 1.36 and curl 8, their messages and exit codes.
Simplified: a transfer shows no progress; ``wget`` and ``curl`` know the options that are used to look at a Service.
"""

from __future__ import annotations

import re

from k8snb.kubelet.images.files import FileError
from k8snb.kubelet.images.shell.commands import Call, Command, Result, fail
from k8snb.seams.cni import (
    ANYBODY,
    CERTIFICATE,
    EMPTY,
    NO_ENDPOINTS,
    NO_ROUTE,
    NO_SUCH_NAME,
    REFUSED,
    TIMEOUT,
    Headers,
    HTTPResponse,
    header,
    phrase,
)
from k8snb.sim.clock import MILLISECOND, SECOND

START = 2 * MILLISECOND
"""How long such a program takes to start, beside what the network takes."""

_URL = re.compile(r"(?:https?://)?([^/:]+)(?::(\d+))?(/.*)?")


def wget(call: Call) -> Result:
    """Fetch a page: ``-q -O FILE -T SECONDS -S --spider --header= --post-data= --timeout= --no-check-certificate``."""
    careless = "--no-check-certificate" in call.args
    args, headers = _collected(tuple(word for word in call.args if word != "--no-check-certificate"), ("--header",))
    options, urls = call._replace(args=args).split("qScS", "OTtUPY")
    if not urls:
        return fail(call, "missing URL")
    limit = round(float(options.get("T", options.get("timeout", "0")) or 0) * SECOND)
    url, body = urls[0], options.get("post-data", "")
    given = _headers(headers) if headers else (("User-Agent", "Wget"),)
    response = call.process.system.http(
        url if "://" in url else f"http://{url}", "POST" if "post-data" in options else "GET", limit, headers=given, body=body,
        trust=ANYBODY if careless else "",
    )  # fmt: skip
    host, port, path = _parts(url)
    err = "" if "q" in options else f"Connecting to {host} ({response.address or host}:{port})\n"
    err += f"  HTTP/1.1 {phrase(response.status)}\n" if "S" in options and response.status else ""
    delay = response.latency + START
    if problem := _wget_error(response, host):
        return Result(status=1, err=err + f"wget: {problem}\n", delay=delay)
    if "spider" in options:
        return Result(err=err + ("" if "q" in options else "remote file exists\n"), delay=delay)
    target = options.get("O", path.partition("?")[0].rsplit("/", 1)[-1] or "index.html")
    if target == "-":
        return Result(response.body, err=err, delay=delay)
    try:
        if target != "/dev/null":
            call.files.write(call.path(target), response.body)
    except FileError as error:
        return Result(status=1, err=f"wget: can't open '{target}': {error.why}\n", delay=delay)
    return Result(err=err + ("" if "q" in options else f"saving to '{target}'\n'{target}' saved\n"), delay=delay)


def _collected(args: tuple[str, ...], names: tuple[str, ...]) -> tuple[tuple[str, ...], list[str]]:
    """The arguments without those of an option that may come often, and its values: ``-H x``, ``--header=x``, ``--header x``."""
    rest, found, words = list[str](), list[str](), list(args)
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if name in names:
            found.append(value if equals else words.pop(0) if words else "")
        elif any(len(one) == 2 and word.startswith(one) and len(word) > 2 and not word.startswith("--") for one in names):
            found.append(word[2:])
        else:
            rest.append(word)
    return tuple(rest), found


def _headers(lines: list[str]) -> Headers:
    return tuple((name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines))


def _wget_error(response: HTTPResponse, host: str) -> str:
    if response.status:
        return "" if response.ok else f"server returned error: HTTP/1.1 {phrase(response.status)}"
    return {
        REFUSED: f"can't connect to remote host ({response.address}): Connection refused",
        NO_ENDPOINTS: f"can't connect to remote host ({response.address}): Connection refused",  # the client cannot tell
        NO_ROUTE: f"can't connect to remote host ({response.address}): No route to host",
        TIMEOUT: "download timed out",
        EMPTY: "error getting response",
        CERTIFICATE: "TLS error: certificate not trusted",
    }.get(response.error, f"bad address '{host}'")


def _parts(url: str) -> tuple[str, int, str]:
    found = _URL.match(url)
    if not found:
        return url, 80, "/"
    return found[1], int(found[2] or (443 if url.startswith("https") else 80)), found[3] or "/"


_CURL_LONG = {
    "silent": "s", "show-error": "S", "fail": "f", "output": "o", "write-out": "w", "max-time": "m", "request": "X", "head": "I",
    "include": "i", "verbose": "v", "insecure": "k", "location": "L", "connect-timeout": "m", "user-agent": "A", "user": "u",
    "retry": "?retry", "resolve": "?resolve", "data-raw": "d", "data": "d",
}  # fmt: skip


def _short(args: tuple[str, ...]) -> tuple[str, ...]:
    """Long options of curl as short ones; their values follow as words."""
    found: list[str] = []
    for word in args:
        name, equals, value = word[2:].partition("=") if word.startswith("--") else ("", "", "")
        letter = _CURL_LONG.get(name, "")
        found += [word] if not letter or letter.startswith("?") else [f"-{letter}", *([value] if equals else [])]
    return tuple(found)


def curl(call: Call) -> Result:
    """Fetch a page: ``-s -S -f -v -i -I -k -L -o FILE -w FORMAT -m SECONDS -X METHOD -H HEADER -d DATA``."""
    args, headers = _collected(call.args, ("-H", "--header"))
    args, authorities = _collected(args, ("--cacert",))
    args, data = _collected(_short(args), ("-d",))
    ordered = [word for word in args if word.startswith("-") or not _is_url(word, args)]
    urls = [word for word in args if not word.startswith("-") and _is_url(word, args)]
    options, _rest = call._replace(args=tuple(ordered)).split("sSfIvkLigN", "owmXAuT")
    if not urls:
        return Result(status=2, err="curl: (2) no URL specified\n")
    given = _headers(headers)
    given = given if header(given, "User-Agent") else (("User-Agent", options.get("A", "curl/8.16.0")), *given)
    method = options.get("X", "POST" if data else "HEAD" if "I" in options else "GET")
    url = urls[0] if "://" in urls[0] else f"http://{urls[0]}"
    limit = round(float(options.get("m") or 0) * SECOND)
    trust = ANYBODY if "k" in options else "".join(call.files.read(call.path(name)) or "" for name in authorities)
    if authorities and not trust:
        return Result(status=77, err=f"curl: (77) error setting certificate verify locations:  CAfile: {authorities[0]} CApath: none\n")
    response = call.process.system.http(url, method, limit, headers=given, body="&".join(data), trust=trust)
    if "L" in options and 300 < response.status < 400 and header(response.headers, "Location"):
        response = call.process.system.http(header(response.headers, "Location"), "GET", limit, headers=given, trust=trust)
    return _curled(call, options, urls[0], response)


def _is_url(word: str, args: tuple[str, ...]) -> bool:
    """Whether a word is the address, and not the value of the option before it."""
    before = args[args.index(word) - 1] if args.index(word) else ""
    return not (before[:1] == "-" and before[:2] != "--" and before[-1:] in "owmXAuT")


def _curled(call: Call, options: dict[str, str], url: str, response: HTTPResponse) -> Result:
    """What curl prints of an answer."""
    host, port, _path = _parts(url)
    delay, silent = response.latency + START, "s" in options and "S" not in options
    code, problem = _curl_error(response, host, port, "f" in options)
    values = {
        "http_code": f"{response.status:03d}", "response_code": f"{response.status:03d}", "size_download": str(len(response.body)),
        "time_total": f"{response.latency / SECOND:.6f}", "content_type": response.content_type, "remote_ip": response.address,
    }  # fmt: skip
    written = re.sub(r"%\{(\w+)\}", lambda found: values.get(found[1], ""), options.get("w", "")).replace("\\n", "\n").replace("\\t", "\t")
    if problem:
        return Result(written, code, "" if silent else f"curl: ({code}) {problem}\n", delay)
    lines = [f"HTTP/1.1 {phrase(response.status)}", f"Content-Type: {response.content_type}", *(f"{k}: {v}" for k, v in response.headers)]
    shown = "".join(f"{line}\n" for line in lines) + "\n"
    body = shown if "I" in options else shown + response.body if "i" in options else response.body
    err = f"* Connected to {host} ({response.address}) port {port}\n" + "".join(f"< {line}\n" for line in lines) if "v" in options else ""
    if "o" in options:
        if options["o"] != "/dev/null":
            call.files.write(call.path(options["o"]), body)
        body = ""
    return Result(body + written, 0, err, delay)


def _curl_error(response: HTTPResponse, host: str, port: int, strict: bool) -> tuple[int, str]:
    if response.status:
        return (22, f"The requested URL returned error: {response.status}") if strict and not response.ok else (0, "")
    elapsed = response.latency // MILLISECOND
    if response.error == NO_SUCH_NAME:
        return 6, f"Could not resolve host: {host}"
    if response.error == TIMEOUT:
        return 28, f"Connection timed out after {elapsed} milliseconds"
    if response.error == EMPTY:
        return 52, "Empty reply from server"
    if response.error == CERTIFICATE:
        return 60, "SSL certificate problem: unable to get local issuer certificate"
    return 7, f"Failed to connect to {host} port {port} after {elapsed} ms: Could not connect to server"


def nslookup(call: Call) -> Result:
    """Ask cluster DNS."""
    options = [arg for arg in call.args if arg.startswith("-")]
    names = [arg for arg in call.args if not arg.startswith("-")]
    if not names:
        return fail(call, "missing host")
    kind = next((option.partition("=")[2].upper() for option in options if option.startswith(("-type=", "-q"))), "A")
    kind = "PTR" if re.fullmatch(r"[\d.]+", names[0]) else kind
    answer = call.process.system.resolve(names[0], kind)
    server = call.process.files.read("/etc/resolv.conf") or ""
    found = re.search(r"nameserver (\S+)", server)
    address = found[1] if found else "127.0.0.1"
    out = f"Server:\t\t{address}\nAddress:\t{address}:53\n\n"
    if answer.error == NO_SUCH_NAME:
        asked = answer.asked[-1] if answer.asked else names[0]
        if answer.code == "NODATA":
            return Result(out + f"*** Can't find {asked}: No answer\n\n", 1, "", answer.latency + START)
        return Result(out + f"** server can't find {asked}: NXDOMAIN\n\n", 1, "", answer.latency + START)
    if answer.error:
        return Result(";; connection timed out; no servers could be reached\n\n", 1, "", answer.latency + START)
    word = "name" if kind == "PTR" else "service"
    chain = (*answer.cnames, answer.name)
    rows = "".join(f"{alias}\tcanonical name = {chain[at + 1]}\n" for at, alias in enumerate(answer.cnames))
    rows += "".join(f"{answer.name}\t{word} = {' '.join(row)}\n" for row in answer.records)
    rows += "" if answer.records else "".join(f"Name:\t{answer.name}\nAddress: {one}\n" for one in answer.addresses)
    return Result(out + rows + "\n", delay=answer.latency + START)


def nc(call: Call) -> Result:
    """Test a port (``-z``), or listen on one (``-l -p PORT``)."""
    options, rest = call.split("zvlnkue", "pw")
    if "l" in options:
        call.process.memory["%listen"] = int(options.get("p") or (rest or ["0"])[-1] or 0)
        return Result(forever=True)
    if len(rest) < 2 or not rest[1].isdecimal():
        return fail(call, "host and port are needed")
    made = call.process.system.connect(rest[0], int(rest[1]))
    if not made.error:
        return Result(err=f"{rest[0]} ({rest[0]}:{rest[1]}) open\n" if "v" in options else "", delay=made.latency + START)
    problem = f"bad address '{rest[0]}'" if made.error == NO_SUCH_NAME else f"{rest[0]} ({rest[0]}:{rest[1]}): {made.error.capitalize()}"
    return Result(status=1, err=f"nc: {problem}\n", delay=made.latency + START)


def httpd(call: Call) -> Result:
    """BusyBox' web server: ``httpd -f -p PORT -h DIRECTORY``."""
    options, _ = call.split("fv", "phc")
    call.process.memory["%httpd"] = (int(options.get("p", "80").rsplit(":", 1)[-1]), call.path(options.get("h", ".")))
    return Result(forever="f" in options)


NETWORKING: dict[str, Command] = {"wget": wget, "curl": curl, "nslookup": nslookup, "nc": nc, "httpd": httpd}
