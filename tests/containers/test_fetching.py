"""curl and wget in a container: what they send, and what they say of the answer."""

from __future__ import annotations

import pytest

from k8snb.cluster import Cluster


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    """A client, a server that repeats the request, and a database that speaks no HTTP."""
    made = Cluster(nodes=1)
    made.kubectl("run client --image=curlimages/curl:8.16.0 -- sleep 999999")
    made.kubectl("run echo --image=registry.k8s.io/echoserver:1.10 --port=8080 --expose")
    made.kubectl("run redis --image=redis:7 --port=6379 --expose")
    made.kubectl("run web --image=k8snb/web:2 --port=8080 --expose")
    made.run_for(6)
    return made


def sh(cluster: Cluster, command: str) -> str:
    return str(cluster.kubectl(["exec", "client", "--", "sh", "-c", command]).text)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("curl -s http://echo:8080/path?x=1", "real path=/path?x=1"),
        ("curl -s -H 'X-Team: blue' -H 'Accept: text/html' echo:8080", "x-team=blue"),
        ("curl -s -X PUT -d '{\"a\":1}' echo:8080", '{"a":1}'),
        ("curl -s --data a=1 --data b=2 echo:8080", "method=POST"),
        ("curl -s --request DELETE echo:8080", "method=DELETE"),
        ("curl -s -A robot echo:8080", "user-agent=robot"),
        ("wget -qO- --header='X-Team: red' http://echo:8080", "x-team=red"),
        ("wget -qO- --post-data='hello=1' http://echo:8080", "method=POST"),
    ],
)
def test_what_is_asked_for_arrives(cluster: Cluster, command: str, words: str) -> None:
    assert words in sh(cluster, command)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("curl -s -o /dev/null -w '%{http_code}\\n' web:8080", "200\n"),
        ("curl -s -o /dev/null -w '%{http_code}' web:8080/fail", "500"),
        ("curl -sf web:8080/fail; echo $?", "22\n"),
        ("curl -s web:81 --max-time 2; echo $?", "28\n"),
        ("curl -sS nowhere; echo $?", "curl: (6) Could not resolve host: nowhere\n6\n"),
        ("curl -sS redis:6379; echo $?", "curl: (52) Empty reply from server\n52\n"),
        ("curl -sI web:8080 | head -n 1", "HTTP/1.1 200 OK\n"),
        ("curl -s -o page web:8080; cat page", "Hello from web, version 2\n"),
        ("wget -q --spider http://web:8080 && echo there", "there\n"),
        ("wget -qO- http://web:8080/fail; echo $?", "wget: server returned error: HTTP/1.1 500 Internal Server Error\n1\n"),
    ],
)
def test_what_comes_back_is_told(cluster: Cluster, command: str, said: str) -> None:
    assert sh(cluster, command) == said
