"""emptyDir, hostPath and the rest: who shares what, how long it stays, what is refused."""

from __future__ import annotations

import pytest


def test_two_containers_share_an_empty_directory(story):
    second = {"name": "second", "image": "busybox:1.36", "command": ["sleep", "9999"], "volumeMounts": [{"name": "v", "mountPath": "/in"}]}
    story.pod(volumes={"v": {"emptyDir": {}}}, mounts={"/out": "v"}, more=[second])
    story.sh("echo hello > /out/greeting")
    assert story.sh("cat /in/greeting", container="second") == "hello\n"
    assert story.sh("rm /in/greeting; ls /in", container="second") == ""
    assert story.sh("ls /out", container="main") == ""


def test_what_is_written_survives_the_container_and_not_the_pod(story):
    story.pod(volumes={"v": {"emptyDir": {}}}, mounts={"/v": "v"})
    story.sh("echo kept > /v/a; echo lost > /tmp/b")
    story.cluster.faults.crash_container("app")
    story.run(5)
    assert story.sh("cat /v/a /tmp/b") == "kept\ncat: can't open '/tmp/b': No such file or directory\n"
    story.cluster.kubectl("delete pod app")
    story.run(3)
    story.pod(volumes={"v": {"emptyDir": {}}}, mounts={"/v": "v"})
    assert story.sh("ls /v") == ""


def test_memory_is_as_large_as_it_may_be_and_no_larger(story):
    story.pod(volumes={"v": {"emptyDir": {"medium": "Memory", "sizeLimit": "16"}}}, mounts={"/v": "v"})
    assert story.sh("echo 0123456789 > /v/a; echo 0123456789 > /v/b; cat /v/b") == "sh: write error: No space left on device\n"
    assert "tmpfs on /v type tmpfs (rw" in story.sh("mount")


def test_read_only_is_read_only(story):
    story.pod(volumes={"v": {"emptyDir": {}}}, mounts={"/w": "v", "/r": {"name": "v", "readOnly": True}})
    assert story.sh("echo a > /w/x; echo b > /r/x; cat /r/x") == "sh: can't create /r/x: Read-only file system\na\n"


def test_a_read_only_root_leaves_only_volumes_to_write(story):
    container = {"securityContext": {"readOnlyRootFilesystem": True}}
    story.pod(volumes={"v": {"emptyDir": {}}}, mounts={"/tmp": "v"}, container=container)
    assert story.sh("echo a > /x; echo b > /tmp/x; cat /tmp/x") == "sh: can't create /x: Read-only file system\nb\n"


def test_subpaths_share_a_volume_without_seeing_each_other(story):
    mounts = {"/a": {"name": "v", "subPath": "one"}, "/b": {"name": "v", "subPath": "two"}, "/all": "v"}
    story.pod(volumes={"v": {"emptyDir": {}}}, mounts=mounts)
    assert story.sh("echo 1 > /a/f; ls /b; ls /all; cat /all/one/f") == "one\ntwo\n1\n"


def test_a_subpath_may_hold_variables_of_the_container(story):
    env = [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]
    mounts = {"/logs": {"name": "v", "subPathExpr": "$(POD)/logs"}, "/all": "v"}
    story.pod(volumes={"v": {"emptyDir": {}}}, mounts=mounts, container={"env": env})
    assert story.sh("echo x > /logs/f; cat /all/app/logs/f") == "x\n"


def test_a_subpath_with_an_unknown_variable_makes_no_container(story):
    story.pod(volumes={"v": {"emptyDir": {}}}, mounts={"/logs": {"name": "v", "subPathExpr": "$(NOPE)"}})
    assert story.waiting() == "CreateContainerConfigError"
    assert story.said("Failed") == ["Error: missing value for NOPE"]


def test_pods_of_one_machine_share_its_files_and_other_machines_do_not(story):
    host = {"v": {"hostPath": {"path": "/srv/data", "type": "DirectoryOrCreate"}}}
    story.pod(volumes=host, mounts={"/v": "v"})
    story.sh("echo here > /v/x")
    story.pod("near", volumes=host, mounts={"/v": "v"})
    story.pod("far", volumes=host, mounts={"/v": "v"}, nodeName="node-2")
    assert story.sh("cat /v/x", pod="near") == "here\n"
    assert story.sh("ls /v", pod="far") == ""
    story.cluster.kubectl("delete pod app near")
    story.run(3)
    story.pod("later", volumes=host, mounts={"/v": "v"})
    assert story.sh("cat /v/x", pod="later") == "here\n"


@pytest.mark.parametrize(
    ("path", "kind", "complaint"),
    [
        ("/no/such", "Directory", "/no/such is not a directory"),
        ("/etc/os-release", "Directory", "/etc/os-release is not a directory"),
        ("/var/log", "File", "/var/log is not a file"),
        ("/etc/os-release", "Socket", "/etc/os-release is not a socket file"),
        ("/dev/vda", "CharDevice", "/dev/vda is not a character device"),
        ("/dev/null", "BlockDevice", "/dev/null is not a block device"),
    ],
)
def test_the_type_of_a_host_path_is_checked(story, path, kind, complaint):
    story.pod(volumes={"v": {"hostPath": {"path": path, "type": kind}}}, mounts={"/v": "v"})
    assert story.waiting() == "ContainerCreating"
    assert story.said("FailedMount")[0] == f'MountVolume.SetUp failed for volume "v" : hostPath type check failed: {complaint}'


@pytest.mark.parametrize(("path", "kind"), [("/var/log", "Directory"), ("/run/containerd/containerd.sock", "Socket"),
                                             ("/etc/new", "FileOrCreate"), ("/made/by/runtime", "")])  # fmt: skip
def test_what_is_there_or_made_is_mounted(story, path, kind):
    story.pod(volumes={"v": {"hostPath": {"path": path, "type": kind}}}, mounts={"/v": "v"})
    assert story.phase() == "Running"


def test_a_file_is_not_made_in_a_directory_that_is_not_there(story):
    story.pod(volumes={"v": {"hostPath": {"path": "/no/such/file", "type": "FileOrCreate"}}}, mounts={"/v": "v"})
    assert story.said("FailedMount")[0].endswith("open /no/such/file: no such file or directory")


def test_a_mended_machine_lets_the_pod_go_on(story):
    story.pod(volumes={"v": {"hostPath": {"path": "/srv/x", "type": "Directory"}}}, mounts={"/v": "v"})
    story.pod("maker", volumes={"v": {"hostPath": {"path": "/srv/x", "type": "DirectoryOrCreate"}}}, mounts={"/v": "v"})
    story.run(10)
    assert story.phase() == "Running"


def test_all_who_mount_a_server_see_the_same_files(story):
    nfs = {"v": {"nfs": {"server": "files.example.com", "path": "/shared"}}}
    story.pod(volumes=nfs, mounts={"/v": "v"})
    story.pod("far", volumes=nfs, mounts={"/v": "v"}, nodeName="node-2")
    story.sh("echo all > /v/x")
    assert story.sh("cat /v/x", pod="far") == "all\n"


def test_the_files_of_an_image_are_a_volume(story):
    story.pod(volumes={"v": {"image": {"reference": "nginx:1.27"}}}, mounts={"/v": "v"})
    assert "index.html" in story.sh("ls /v/usr/share/nginx/html")
    assert "Read-only file system" in story.sh("touch /v/x")


def test_what_is_not_simulated_says_so(story):
    story.pod(volumes={"v": {"cephfs": {"monitors": ["10.0.0.1"]}}}, mounts={"/v": "v"})
    assert story.phase() == "Running"
    assert story.said("NotSimulated") == [
        'k8snb does not simulate volumes of kind cephfs: "v" is scratch space, which is gone with the pod'
    ]


def test_an_unknown_driver_is_told(story):
    story.pod(volumes={"v": {"csi": {"driver": "secrets.example.com"}}}, mounts={"/v": "v"})
    assert story.said("FailedMount")[0] == (
        'MountVolume.SetUp failed for volume "v" : kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: '
        "driver name secrets.example.com not found in the list of registered CSI drivers"
    )


def test_after_a_power_failure_disks_keep_what_memory_loses(story):
    volumes = {"d": {"emptyDir": {}}, "m": {"emptyDir": {"medium": "Memory"}}}
    story.pod(volumes=volumes, mounts={"/d": "d", "/m": "m"}, tolerations=[{"operator": "Exists"}])
    story.sh("echo x > /d/f; echo y > /m/f")
    story.cluster.faults.fail_node("node-1")
    story.run(5)
    story.cluster.faults.restore_node("node-1")
    story.run(20)
    assert story.sh("ls /d; ls /m") == "f\n"


def test_a_machine_has_the_logs_of_its_containers_as_files(story):
    story.pod("talker", container={"command": ["sh", "-c", "echo hello; sleep 99999"]})
    story.pod("agent", volumes={"v": {"hostPath": {"path": "/var/log"}}}, mounts={"/var/log": {"name": "v", "readOnly": True}})
    names = story.sh("ls /var/log/containers", pod="agent").split()
    assert [name.split("-")[0] for name in names] == ["agent_default_main", "talker_default_main"]
    line = story.sh("cat /var/log/containers/talker_default_main-*.log", pod="agent")
    assert line.endswith(" stdout F hello\n")
    assert story.sh("ls /var/log", pod="agent") == "containers\npods\n"
    uid = story.cluster.get("pods", "talker")["metadata"]["uid"]
    assert story.sh(f"cat /var/log/pods/default_talker_{uid}/main/0.log", pod="agent") == line
    story.cluster.faults.crash_container("talker")
    story.run(20)
    assert story.sh(f"ls /var/log/pods/default_talker_{uid}/main", pod="agent") == "0.log\n1.log\n"


def test_a_projected_source_whose_feature_gate_is_off_is_taken_out_by_the_server(story):
    sources = [{"clusterTrustBundle": {"path": "ca.pem", "name": "x"}}, {"configMap": {"name": "kube-root-ca.crt"}}]
    story.pod(volumes={"v": {"projected": {"sources": sources}}}, mounts={"/v": "v"})
    assert story.sh("ls /v") == "ca.crt\n"


def test_an_init_container_may_write_variables_into_a_file(story):
    mount = [{"name": "v", "mountPath": "/v"}]
    init = {"name": "init", "image": "busybox:1.36", "command": ["sh", "-c", "echo \"COLOUR='blue'\" > /v/env"], "volumeMounts": mount}
    ref = {"volumeName": "v", "path": "env", "key": "COLOUR"}
    story.pod(volumes={"v": {"emptyDir": {}}}, container={"env": [{"name": "X", "valueFrom": {"fileKeyRef": ref}}]}, initContainers=[init])
    story.run(3)
    assert story.sh("echo $X", container="main") == "blue\n"
    bad = {"env": [{"name": "X", "valueFrom": {"fileKeyRef": {**ref, "key": "SIZE"}}}]}
    story.pod("bad", volumes={"v": {"emptyDir": {}}}, container=bad, initContainers=[init])
    story.run(3)
    assert story.waiting("bad") == "CreateContainerConfigError"
