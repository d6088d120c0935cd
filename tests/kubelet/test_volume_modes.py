"""Modes of a volume's files, as a shell in a container shows them; and what grep counts."""

import pytest

from k8snb.cluster import Cluster

POD = """
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  volumes:
  - {name: all, configMap: {name: settings, defaultMode: 0755}}
  - {name: secret, secret: {secretName: key, defaultMode: 0400}}
  - {name: one, configMap: {name: settings, items: [{key: a, path: x, mode: 0600}]}}
  - {name: projected, projected: {defaultMode: 0440, sources: [{configMap: {name: settings}}]}}
  containers:
  - name: c
    image: busybox:1.36
    command: [sleep, "100000"]
    volumeMounts:
    - {name: all, mountPath: /all}
    - {name: secret, mountPath: /secret}
    - {name: one, mountPath: /one}
    - {name: projected, mountPath: /projected}
    - {name: all, mountPath: /single, subPath: a}
"""


@pytest.fixture(scope="module")
def run():
    cluster = Cluster(nodes=1)
    cluster.kubectl("create configmap settings --from-literal=a=1")
    cluster.kubectl("create secret generic key --from-literal=k=v")
    cluster.apply(POD)
    cluster.settle()
    return lambda script: str(cluster.kubectl(["exec", "p", "--", "sh", "-c", script]))


@pytest.mark.parametrize(
    ("listed", "bits"),
    [
        ("ls -lL /all", "-rwxr-xr-x"), ("ls -lL /secret", "-r--------"), ("ls -lL /one", "-rw-------"), ("ls -lL /projected", "-r--r-----"),
        ("ls -l /all", "lrwxrwxrwx"), ("ls -l /all/..data/", "-rwxr-xr-x"), ("ls -l /single", "-rwxr-xr-x"),
    ],
)  # fmt: skip
def test_ls_shows_modes(run, listed, bits):
    assert run(listed).strip().splitlines()[-1].startswith(bits)


def test_stat_follows_links_where_it_is_told_to(run):
    assert run("stat -c %a /all/a; stat -L -c %a /all/a") == "777\n755\n"


def test_grep_counts_each_file(run):
    assert run("cd /tmp; echo a > one; printf 'a\\na\\nb\\n' > two; grep -c a one two; grep -c a two; grep -hc a one two") == (
        "one:1\ntwo:2\n2\n1\n2\n"
    )
    assert run("cd /tmp; grep -c z one two; echo $?") == "one:0\ntwo:0\n1\n"
