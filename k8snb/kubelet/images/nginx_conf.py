"""nginx's configuration: as much of it as decides what a request gets.

    blocks     http, server, location; ``include`` with one * in it
    server     listen, server_name, root, index, return, location, error_page is read over
    location   exact (=), prefix (the longest wins, ^~ ends the search), regular expression (~, ~*), in this order;
               return, root, alias, index, try_files, proxy_pass, autoindex, add_header, default_type, deny all

A directive that nginx has and this file does not know about is read over; one that nginx does not have ends it, as in reality.

Models: ngx_conf_file.c (the words of errors), ngx_http_core_module (which server, which location).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from k8snb.apimachinery.patterns import PatternError, pcre

MAIN = "/etc/nginx/nginx.conf"
Read = Callable[[str], list[tuple[str, str]]]  # a path, perhaps with *, to (path, text) of the files that match

_TOKEN = re.compile(
    r"\s+|#[^\n]*|(\{)|(\})|(;)|\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'|((?:[^\s;{}\\#\"']|\\.|\$\{\w+\})(?:[^\s;{}\\]|\\.|\$\{\w+\})*)"
)
KNOWN = frozenset({
    "absolute_redirect", "accept_mutex", "access_log", "add_header", "aio", "alias", "allow", "auth_basic", "auth_basic_user_file",
    "autoindex", "break", "charset", "client_body_buffer_size", "client_body_temp_path", "client_body_timeout",
    "client_header_buffer_size", "client_header_timeout", "client_max_body_size", "daemon", "default_type", "deny", "directio", "env",
    "error_log", "error_page", "etag", "events", "expires", "fastcgi_buffers", "fastcgi_index", "fastcgi_param", "fastcgi_pass",
    "fastcgi_read_timeout", "fastcgi_split_path_info", "fastcgi_temp_path", "geo", "gzip", "gzip_comp_level", "gzip_disable",
    "gzip_http_version", "gzip_min_length", "gzip_proxied", "gzip_types", "gzip_vary", "hash", "http", "http2", "if",
    "if_modified_since", "include", "index", "internal", "ip_hash", "keepalive", "keepalive_requests", "keepalive_timeout",
    "large_client_header_buffers", "least_conn", "limit_conn", "limit_except", "limit_rate", "limit_req", "limit_req_zone", "listen",
    "load_module", "location", "log_format", "log_not_found", "map", "map_hash_bucket_size", "merge_slashes", "mime_types",
    "multi_accept", "open_file_cache", "pid", "port_in_redirect", "proxy_buffer_size", "proxy_buffering", "proxy_buffers",
    "proxy_busy_buffers_size", "proxy_cache", "proxy_cache_path", "proxy_cache_valid", "proxy_connect_timeout", "proxy_hide_header",
    "proxy_http_version", "proxy_intercept_errors", "proxy_max_temp_file_size", "proxy_next_upstream", "proxy_next_upstream_tries",
    "proxy_pass", "proxy_pass_header", "proxy_read_timeout", "proxy_redirect", "proxy_request_buffering", "proxy_send_timeout",
    "proxy_set_header", "proxy_ssl_server_name", "proxy_ssl_verify", "proxy_temp_path", "real_ip_header", "recursive_error_pages",
    "reset_timedout_connection", "resolver", "resolver_timeout", "return", "rewrite", "root", "satisfy", "scgi_temp_path",
    "send_timeout", "sendfile", "sendfile_max_chunk", "server", "server_name", "server_name_in_redirect",
    "server_names_hash_bucket_size", "server_names_hash_max_size", "server_tokens", "set", "set_real_ip_from", "split_clients",
    "ssl_certificate", "ssl_certificate_key", "ssl_ciphers", "ssl_dhparam", "ssl_prefer_server_ciphers", "ssl_protocols",
    "ssl_session_cache", "ssl_session_tickets", "ssl_session_timeout", "stream", "stub_status", "sub_filter", "tcp_nodelay",
    "tcp_nopush", "try_files", "types", "types_hash_bucket_size", "types_hash_max_size", "underscores_in_headers", "upstream", "use",
    "user", "uwsgi_param", "uwsgi_pass", "uwsgi_temp_path", "worker_connections", "worker_processes", "worker_rlimit_nofile",
    "worker_shutdown_timeout", "zone"
})  # fmt: skip
_FREE = ("types", "map", "geo", "split_clients", "upstream")  # blocks whose lines are not directives


class ConfigError(ValueError):
    """nginx does not start; the message is its own."""


class Directive(NamedTuple):
    """One directive: ``listen 80;``, or a block with directives inside."""

    name: str
    args: tuple[str, ...]
    block: tuple[Directive, ...] = ()

    def all(self, name: str) -> list[Directive]:
        """The directives of that name inside."""
        return [one for one in self.block if one.name == name]

    def value(self, name: str, default: str = "") -> str:
        """The first argument of the last directive of that name inside."""
        found = [one.args[0] for one in self.all(name) if one.args]
        return found[-1] if found else default


class Server(NamedTuple):
    """One virtual server."""

    ports: tuple[int, ...]
    names: tuple[str, ...]
    default: bool
    block: Directive


@functools.lru_cache(maxsize=256)
def parse(text: str, path: str) -> tuple[Directive, ...]:
    """The directives of one file. Raises :class:`ConfigError`."""
    tokens, line, at = [], 1, 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            raise ConfigError(f'unexpected "{text[at]}" in {path}:{line}')
        line += found.group().count("\n")
        word = next((group for group in found.groups() if group is not None), None)
        if word is not None:
            tokens.append((found.lastindex or 0, word, line))
        at = found.end()
    directives, rest = _block(tokens, 0, path, "")
    if rest < len(tokens):
        raise ConfigError(f'unexpected "}}" in {path}:{tokens[rest][2]}')
    return directives


def _block(tokens: list[tuple[int, str, int]], at: int, path: str, inside: str) -> tuple[tuple[Directive, ...], int]:
    found: list[Directive] = []
    words: list[str] = []
    while at < len(tokens):
        kind, word, line = tokens[at]
        if kind == 2 and not words:
            return tuple(found), at if not inside else at + 1
        if kind == 2:
            raise ConfigError(f'unexpected "}}" in {path}:{line}')
        at += 1
        if kind in (1, 3):
            if not words:
                raise ConfigError(f'unexpected "{word}" in {path}:{line}')
            name, *args = words
            if inside not in _FREE and name not in KNOWN:
                raise ConfigError(f'unknown directive "{name}" in {path}:{line}')
            if name == "include" and inside not in _FREE and len(args) != 1:
                raise ConfigError(f'invalid number of arguments in "include" directive in {path}:{line}')
            inner: tuple[Directive, ...] = ()
            if kind == 1:
                inner, at = _block(tokens, at, path, name)
            found.append(Directive(name, tuple(args), inner))
            words = []
        else:
            words.append(word)
    if words or inside:
        what = 'expecting ";" or "}"' if words else 'expecting "}"'
        raise ConfigError(f"unexpected end of file, {what} in {path}:{tokens[-1][2] if tokens else 1}")
    return tuple(found), at


Texts = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]  # for each pattern, the path and text of the files that match


class Configuration(NamedTuple):
    """The virtual servers, the groups of servers that ``proxy_pass`` may name (``upstream api { server web:8080; }``), and the user
    that the workers run as, where a directive says one. ``hosts``: who must have an address when nginx starts."""

    servers: tuple[Server, ...]
    upstreams: Mapping[str, tuple[str, ...]]
    worker: str
    hosts: tuple[str, ...]

    @property
    def ports(self) -> tuple[int, ...]:
        """On which it listens."""
        return tuple(dict.fromkeys(port for server in self.servers for port in server.ports))


def texts(read: Read) -> Texts:
    """Every file that the configuration consists of, as it is now. Raises :class:`ConfigError`."""
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    asked = [MAIN]
    while asked:
        pattern = asked.pop()
        if pattern not in found:
            found[pattern] = tuple(read(pattern))
            asked += [wanted for path, text in found[pattern] for wanted in _wanted(parse(text, path))]
    return tuple(found.items())


def directories(files: Texts) -> tuple[str, ...]:
    """The outermost directories in which these files are, and more of them would be."""
    found: list[str] = []
    for name in sorted(pattern.rpartition("/")[0] + "/" for pattern, _ in files):
        if not found or not name.startswith(found[-1]):
            found.append(name)
    return tuple(found)


def _wanted(directives: tuple[Directive, ...]) -> list[str]:
    return [pattern for one in directives for pattern in ([_pattern(one)] if one.name == "include" else _wanted(one.block)) if pattern]


def _pattern(include: Directive) -> str:
    """What files an ``include`` means; none for the table of media types."""
    name = include.args[0]
    return "" if name.endswith("mime.types") else name if name.startswith("/") else f"/etc/nginx/{name}"


@functools.lru_cache(maxsize=256)
def configuration(files: Texts) -> Configuration:
    """What these files say. Raises :class:`ConfigError`."""
    known = dict(files)
    if not known[MAIN]:
        raise ConfigError(f'open() "{MAIN}" failed (2: No such file or directory)')
    servers, upstreams = [], {}
    outermost = _included(parse(known[MAIN][0][1], MAIN), known)
    for directive in outermost:
        for one in _included(directive.block, known) if directive.name == "http" else ():
            if one.name == "server":
                servers.append(_server(one, known))
            elif one.name == "upstream" and one.args:
                upstreams[one.args[0]] = tuple(server.args[0] for server in one.all("server") if "backup" not in server.args)
    worker = next((one.args[0] for one in outermost if one.name == "user" and one.args), "")
    hosts = tuple(host for server in servers for host in _asked_for(server.block, upstreams))
    return Configuration(tuple(servers), upstreams, worker, hosts)


def _asked_for(server: Directive, groups: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """The hosts that a server's locations pass requests to, but for those that are written with a variable."""
    for location in server.all("location"):
        target = location.value("proxy_pass")
        found = re.match(r"https?://([^/:$]+)", target)
        for name in [] if not found or "$" in target else groups.get(found[1], (found[1],)):
            yield name.partition(":")[0]


def _included(
    directives: tuple[Directive, ...], known: Mapping[str, tuple[tuple[str, str], ...]], inside: tuple[str, ...] = (MAIN,)
) -> list[Directive]:
    """The directives with those of included files in their places. ``inside``: the files that are being read."""
    found: list[Directive] = []
    for one in directives:
        if one.name != "include":
            found.append(one)
        elif pattern := _pattern(one):
            if not known[pattern] and "*" not in pattern:
                raise ConfigError(f'open() "{pattern}" failed (2: No such file or directory)')
            for path, text in known[pattern]:
                if path in inside:
                    raise ConfigError(f'open() "{path}" failed (24: Too many open files)')  # it includes itself
                found += _included(parse(text, path), known, (*inside, path))
    return found


def _server(directive: Directive, known: Mapping[str, tuple[tuple[str, str], ...]]) -> Server:
    block = directive._replace(block=tuple(_included(directive.block, known)))
    listens = [one.args for one in block.all("listen")] or [("80",)]
    ports = dict.fromkeys(int(port) for args in listens if (port := args[0].rpartition(":")[2].strip("[]")).isdecimal())
    names = tuple(name for one in block.all("server_name") for name in one.args)
    return Server(tuple(ports), names, any("default_server" in args for args in listens), block)


def choose_server(found: Sequence[Server], port: int, host: str) -> Server | None:
    """The server for a request: by name, else the default one of the port, else its first."""
    here = [server for server in found if port in server.ports]
    for server in here:
        if any(_matches(name, host) for name in server.names):
            return server
    return next((server for server in here if server.default), here[0] if here else None)


def _matches(name: str, host: str) -> bool:
    if name.startswith("~"):
        return _fits(name[1:], host)
    if name.startswith("*."):
        return host.endswith(name[1:])
    return name == host


def choose_location(server: Directive, path: str) -> Directive:
    """The location for a path; the server itself where there is none."""
    best, length, final = server, -1, False
    patterns: list[tuple[str, Directive]] = []
    for one in server.all("location"):
        modifier, pattern = one.args if len(one.args) > 1 else ("", one.args[0])
        if modifier == "=" and pattern == path:
            return one
        if modifier in ("~", "~*"):
            patterns.append((f"(?i){pattern}" if modifier == "~*" else pattern, one))
        elif modifier in ("", "^~") and path.startswith(pattern) and len(pattern) > length:
            best, length, final = one, len(pattern), modifier == "^~"
    if not final:
        for pattern, one in patterns:
            if _fits(pattern, path):
                return one
    return best


def _fits(pattern: str, text: str) -> bool:
    """Whether a regular expression matches. One that could take too long matches nothing, as with nginx when PCRE gives up."""
    try:
        return pcre(pattern).search(text) is not None
    except PatternError:
        return False


__all__ = ["ConfigError", "Directive", "Server", "choose_location", "choose_server", "configuration", "directories", "texts"]
