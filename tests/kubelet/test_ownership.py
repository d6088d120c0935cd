"""Who may read and write what in a container: runAsUser, runAsGroup, fsGroup, defaultMode."""

from __future__ import annotations

from typing import Any

import pytest

Story = Any


def start(story: Story, *, security: dict[str, Any], volumes: dict[str, Any] | None = None) -> None:
    """A pod that sleeps, with its volumes mounted below / by their names."""
    given = volumes or {}
    spec = {"securityContext": security, "volumes": [{"name": name, **source} for name, source in given.items()]}
    story.pod("app", "sleep", "9999", spec=spec, volumeMounts=[{"name": name, "mountPath": f"/{name}"} for name in given])
    story.run(5)


def sh(story: Story, script: str) -> str:
    """What a script prints in the container, complaints included."""
    return str(story.cluster.kubectl(["exec", "app", "--", "sh", "-c", script]).text)


def test_the_user_is_who_the_security_context_says(story: Story) -> None:
    start(story, security={"runAsUser": 1000, "runAsGroup": 3000, "fsGroup": 2000, "supplementalGroups": [4000]})
    assert sh(story, "id").strip() == "uid=1000 gid=3000 groups=3000,4000,2000"
    assert sh(story, "id -u; whoami").splitlines()[:2] == ["1000", "whoami: unknown uid 1000"]


def test_root_may_do_everything(story: Story) -> None:
    start(story, security={})
    assert sh(story, "id; echo x > /etc/new && cat /etc/new").splitlines() == ["uid=0(root) gid=0(root) groups=0(root)", "x"]


def test_another_user_may_not_write_what_is_root_s_but_has_tmp(story: Story) -> None:
    start(story, security={"runAsUser": 1000})
    assert "can't create /etc/new: Permission denied" in sh(story, "echo x > /etc/new")
    assert "Permission denied" in sh(story, "echo x >> /etc/passwd")
    assert "can't remove '/etc/hosts': Permission denied" in sh(story, "rm /etc/hosts")
    assert "Permission denied" in sh(story, "mkdir /data")
    assert sh(story, "echo mine > /tmp/x; cat /tmp/x; ls -l /tmp/x").split()[:4] == ["mine", "-rw-r--r--", "1", "1000"]


@pytest.mark.parametrize(("group", "may"), [(None, False), (2000, True)])
def test_a_disk_is_root_s_unless_the_pod_has_an_fs_group(group: int | None, may: bool) -> None:
    from k8snb.cluster import Cluster

    cluster = Cluster(nodes=1, storage=True)
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
             "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}  # fmt: skip
    cluster.client.create("persistentvolumeclaims", claim, "default")
    security = {"runAsUser": 1000, **({"fsGroup": group} if group else {})}
    main = {"name": "main", "image": "busybox:1.36", "command": ["sleep", "9999"], "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    spec = {"securityContext": security, "containers": [main], "volumes": volumes}
    cluster.client.create("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"}, "spec": spec}, "default")
    cluster.run_for(60)
    said = cluster.kubectl(["exec", "app", "--", "sh", "-c", "touch /data/x && ls -ld /data && ls -l /data/x"]).text
    if may:
        assert [line.split()[:4] for line in said.splitlines()] == [
            ["drwxrwsr-x", "2", "root", "2000"],
            ["-rw-rw-r--", "1", "1000", "2000"],
        ]
    else:
        assert "Permission denied" in said


def test_an_empty_dir_is_everybody_s(story: Story) -> None:
    start(story, security={"runAsUser": 1000}, volumes={"scratch": {"emptyDir": {}}})
    assert sh(story, "echo x > /scratch/a && cat /scratch/a").strip() == "x"


def test_a_mode_of_a_secret_is_obeyed_and_an_fs_group_opens_it(story: Story) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": {"key": "hush"}}
    story.cluster.client.create("secrets", secret, "default")
    closed = {"secret": {"secretName": "keys", "defaultMode": 0o400}}
    start(story, security={"runAsUser": 1000}, volumes={"keys": closed})
    assert "can't open '/keys/key': Permission denied" in sh(story, "cat /keys/key")
    assert "can't open /keys/key: Permission denied" in sh(story, "cat < /keys/key")
    story.cluster.kubectl("delete pod app --now")
    story.run(5)
    start(story, security={"runAsUser": 1000, "fsGroup": 2000}, volumes={"keys": closed})
    assert sh(story, "cat /keys/key") == "hush"
    assert sh(story, "ls -l /keys/..data/key").split()[:4] == ["-r--r-----", "1", "root", "2000"]


def test_modes_and_owners_are_changed_by_who_may(story: Story) -> None:
    start(story, security={})
    said = sh(story, "touch /tmp/a; chmod 640 /tmp/a; chown 1000:2000 /tmp/a; ls -l /tmp/a").split()
    assert said[:4] == ["-rw-r-----", "1", "1000", "2000"]
    assert sh(story, "chmod u+x,go-r /tmp/a; ls -l /tmp/a").split()[0] == "-rwx------"
    story.cluster.kubectl("delete pod app --now")
    story.run(5)
    start(story, security={"runAsUser": 1000})
    assert "chmod: /etc/passwd: Operation not permitted" in sh(story, "chmod 777 /etc/passwd")
    assert "Operation not permitted" in sh(story, "touch /tmp/a; chown root /tmp/a")


def test_a_read_only_root_file_system_refuses_even_root_and_volumes_do_not(story: Story) -> None:
    mounts = [{"name": "scratch", "mountPath": "/scratch"}]
    story.pod(
        "app", "sleep", "9999", spec={"volumes": [{"name": "scratch", "emptyDir": {}}]}, volumeMounts=mounts,
        securityContext={"readOnlyRootFilesystem": True},
    )  # fmt: skip
    story.run(5)
    assert "can't create /tmp/a: Read-only file system" in sh(story, "echo x > /tmp/a")
    assert sh(story, "echo x > /scratch/a; cat /scratch/a").strip() == "x"
