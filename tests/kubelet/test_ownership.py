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
    assert sh(story, "id").strip() == "uid=1000 gid=3000 groups=2000,3000,4000"
    assert sh(story, "id -u; whoami").splitlines()[:2] == ["1000", "whoami: unknown uid 1000"]


def test_root_may_do_everything(story: Story) -> None:
    start(story, security={})
    assert sh(story, "id; echo x > /etc/new && cat /etc/new").splitlines() == ["uid=0(root) gid=0(root) groups=0(root),10(wheel)", "x"]


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


SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": {"key": "echo hush"}}


def test_what_may_not_be_read_is_read_by_no_command_at_all(story: Story) -> None:
    story.cluster.client.create("secrets", SECRET, "default")
    start(story, security={"runAsUser": 1000}, volumes={"keys": {"secret": {"secretName": "keys", "defaultMode": 0o400}}})
    for script, said in {
        "cp /keys/key /tmp/copy": "cp: can't open '/keys/key': Permission denied",
        "tar -cf /tmp/x.tar /keys/..data/key": "Permission denied",
        ". /keys/key": "sh: .: can't open '/keys/key': Permission denied",
        "sh /keys/key": "sh: can't open '/keys/key': Permission denied",
        "/keys/key": "sh: /keys/key: Permission denied",
        "sed -f /keys/key /etc/hosts": "Permission denied",
        "awk -f /keys/key /etc/hosts": "Permission denied",
        "grep -r hush /keys/..data/key": "Permission denied",
        "test -r /keys/key || echo closed": "closed",
        "test -e /keys/key && test -f /keys/key && test -s /keys/key && echo there": "there",
    }.items():
        assert said in sh(story, script), script
        assert "hush" not in sh(story, script), script
    assert "No such file" in sh(story, "cat /tmp/copy")


def test_a_directory_counts_the_names_that_it_has(story: Story) -> None:
    start(story, security={})
    sh(story, "mkdir /tmp/own; touch /tmp/own/a; mkdir /tmp/own/b /tmp/own/c; chown 1000 /tmp/own")
    assert sh(story, "ls -ld /tmp/own").split()[:4] == ["drwxr-xr-x", "4", "1000", "root"]


def test_a_closed_directory_of_root_on_the_machine_stays_closed_to_others(story: Story) -> None:
    shared = {"hostPath": {"path": "/srv/shared", "type": "DirectoryOrCreate"}}
    start(story, security={}, volumes={"shared": shared})
    sh(story, "mkdir /shared/own; echo hush > /shared/own/key; chmod 700 /shared/own")
    story.cluster.kubectl("delete pod app --now")
    story.run(5)
    start(story, security={"runAsUser": 1000}, volumes={"shared": shared})
    assert "ls: can't open '/shared/own': Permission denied" in sh(story, "ls /shared/own")
    assert "can't open '/shared/own/key': Permission denied" in sh(story, "cat /shared/own/key")
    assert "Permission denied" in sh(story, "echo x > /shared/own/more")


def test_names_come_from_the_two_files_of_the_container(story: Story) -> None:
    start(story, security={})
    sh(story, "echo 'ann:x:1000:3000::/home/ann:/bin/sh' >> /etc/passwd; printf 'staff:x:3000:ann\\nops:x:4000:ann\\n' >> /etc/group")
    assert sh(story, "touch /tmp/a; chown ann:staff /tmp/a; ls -l /tmp/a").split()[:4] == ["-rw-r--r--", "1", "ann", "staff"]
    assert sh(story, "id ann").strip() == "uid=1000(ann) gid=3000(staff) groups=3000(staff),4000(ops)"
    assert sh(story, "id bob").strip().startswith("id: unknown user bob")
    assert "chown: unknown user bob" in sh(story, "chown bob /tmp/a")


@pytest.mark.parametrize(
    ("image", "context", "said"),
    [
        ("curlimages/curl:8.10.1", {}, "uid=100(curl_user) gid=101(curl_user) groups=101(curl_user)"),
        ("nginxinc/nginx-unprivileged:1.27", {}, "uid=101(nginx) gid=101(nginx) groups=101(nginx)"),
        ("nginx:1.27", {}, "uid=0(root) gid=0(root) groups=0(root)"),
        ("nginx:1.27", {"runAsUser": 101}, "uid=101(nginx) gid=101(nginx) groups=101(nginx)"),
        ("busybox:1.36", {"runAsGroup": 5}, "uid=0(root) gid=5 groups=5,10(wheel)"),
    ],
)
def test_an_image_runs_as_its_own_user(story: Story, image: str, context: dict[str, Any], said: str) -> None:
    story.pod("app", "sleep", "9999", image=image, securityContext=context)
    story.run(30)
    assert sh(story, "id").strip() == said


def test_a_strict_policy_leaves_out_the_groups_of_the_image(story: Story) -> None:
    start(story, security={"runAsGroup": 5, "supplementalGroups": [7], "supplementalGroupsPolicy": "Strict"})
    assert sh(story, "id -G").strip() == "5 7"


AS_ROOT = "container has runAsNonRoot and image will run as root"
NOBODY = "container has runAsNonRoot and image has non-numeric user (nobody), cannot verify user is non-root"


@pytest.mark.parametrize(
    ("image", "context", "said"),
    [
        ("busybox:1.36", {}, AS_ROOT),
        ("python:3.12", {}, AS_ROOT),
        ("busybox:1.36", {"runAsUser": 0}, "container's runAsUser breaks non-root policy"),
        ("prom/node-exporter:v1.8.2", {}, NOBODY),
        ("nginxinc/nginx-unprivileged:1.27", {}, ""),
        ("prom/node-exporter:v1.8.2", {"runAsUser": 65534}, ""),
        ("acme/unknown:1", {}, ""),
    ],
)
def test_run_as_non_root_in_the_kubelet_s_words(story: Story, image: str, context: dict[str, Any], said: str) -> None:
    story.pod("app", image=image, spec={"securityContext": {"runAsNonRoot": True, **context}})
    story.run(30)
    if not said:
        assert "running" in story.main("app")["state"]
        return
    uid = story.get("app")["metadata"]["uid"]
    assert story.main("app")["state"]["waiting"] == {
        "reason": "CreateContainerConfigError",
        "message": f'{said} (pod: "app_default({uid})", container: main)',
    }


def test_the_workers_of_nginx_are_no_root(story: Story) -> None:
    page = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "page"}, "data": {"index.html": "hello"}}
    story.cluster.client.create("configmaps", page, "default")
    volumes = [{"name": "page", "configMap": {"name": "page", "defaultMode": 0o400}}]
    mounts = [{"name": "page", "mountPath": "/usr/share/nginx/html"}]
    story.pod("web", image="nginx:1.27", spec={"volumes": volumes}, volumeMounts=mounts)
    story.pod("box", "sleep", "9999")
    story.run(30)
    address = story.status("web")["podIP"]
    assert story.cluster.http(f"http://{address}", from_pod="box").status == 403
    assert "failed (13: Permission denied)" in story.cluster.kubectl("logs web").text
    assert story.cluster.kubectl(["exec", "web", "--", "cat", "/usr/share/nginx/html/index.html"]).text == "hello"


TO_CACHE = 'mkdir() "/var/cache/nginx/client_temp" failed'


@pytest.mark.parametrize(
    ("context", "writable", "words"),
    [
        ({"runAsUser": 1000}, [], f"nginx: [emerg] {TO_CACHE} (13: Permission denied)"),
        ({"readOnlyRootFilesystem": True}, [], f"nginx: [emerg] {TO_CACHE} (30: Read-only file system)"),
        ({"runAsUser": 1000}, ["/var/cache/nginx"], 'nginx: [emerg] open() "/run/nginx.pid" failed (13: Permission denied)'),
        ({"runAsUser": 1000}, ["/var/cache/nginx", "/var/run"], ""),
        ({"readOnlyRootFilesystem": True}, ["/var/cache/nginx", "/run"], ""),
    ],
)
def test_nginx_ends_where_it_may_not_write_what_it_must(story: Story, context: dict[str, Any], writable: list[str], words: str) -> None:
    volumes = [{"name": f"v{index}", "emptyDir": {}} for index in range(len(writable))]
    mounts = [{"name": f"v{index}", "mountPath": path} for index, path in enumerate(writable)]
    story.pod("web", image="nginx:1.27", spec={"volumes": volumes}, volumeMounts=mounts, securityContext=context)
    story.run(20)
    log = story.cluster.kubectl("logs web").text
    assert (words in log) if words else "running" in story.main("web")["state"]
    if words:
        assert story.main("web")["lastState"]["terminated"]["exitCode"] == 1
    assert ('[warn] the "user" directive makes sense only' in log) == ("runAsUser" in context)


def test_the_unprivileged_nginx_needs_no_more_than_tmp(story: Story) -> None:
    volumes, mounts = [{"name": "tmp", "emptyDir": {}}], [{"name": "tmp", "mountPath": "/tmp"}]
    strict = {"readOnlyRootFilesystem": True, "runAsNonRoot": True}
    image = "nginxinc/nginx-unprivileged:1.27"
    story.pod("web", image=image, spec={"volumes": volumes}, volumeMounts=mounts, securityContext=strict)
    story.run(20)
    assert "running" in story.main("web")["state"]
    assert "[warn]" not in story.cluster.kubectl("logs web").text


def test_lines_of_passwd_that_are_none_are_passed_over(story: Story) -> None:
    start(story, security={})
    assert sh(story, 'echo "me:x:1000:::/:/bin/sh" >> /etc/passwd; echo "you:x:٣:3::/:/bin/sh" >> /etc/passwd') == ""
    assert sh(story, 'echo "who:x:7:8::/:/bin/sh" >> /etc/passwd; echo "wheel:x::me" >> /etc/group; whoami; id -u') == "root\n0\n"
    assert sh(story, "touch /tmp/mine; chown who /tmp/mine; stat -c %U /tmp/mine; chown you /tmp/mine").startswith("who\nchown: ")
