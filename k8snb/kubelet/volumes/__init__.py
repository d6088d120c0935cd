"""Volumes of pods on a node: what is mounted, from where, with which files, and when these files change.

    manager      a pod's volumes: mount what is missing, wait for what is not there yet, let go at the end
    kinds        one kind of volume after the other: what it needs, and what the runtime is told
    host_path    whether a path of the machine is what the pod expects
    claims       a claim, its PersistentVolume, and the disk behind it
    payload      the files of ConfigMaps, Secrets, fields of the pod and tokens
    atomic       how such files are replaced: all at once, by turning one link
    mount_points where a container sees them
    watching     who is told when a mounted object changes
    errors       why a volume is not mounted

Models: pkg/kubelet/volumemanager, pkg/volume, pkg/kubelet/kubelet_pods.go (makeMounts).
"""
