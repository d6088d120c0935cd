"""What a change may not touch, shown as Go shows it: the difference of two internal forms."""

from typing import Any

from k8snb.apimachinery.objects import freeze, put
from k8snb.resources import OWN

BY_KIND = {resource.kind: resource for resource in OWN}


def changed(kind: str, path: Any, value: Any) -> str:
    """What is said of an example in which one value changes; the first line left out."""
    resource = BY_KIND[kind]
    old: Any = resource.default(freeze(resource.example))
    new = resource.prepare_for_update(resource.default(put(old, path, freeze(value))), old)
    (error,) = resource.validate_update(new, old)
    return str(error).partition("\n")[2]


def test_a_volume_stays_where_it_is() -> None:
    old = BY_KIND["PersistentVolume"].example["spec"]["hostPath"]["path"]
    assert changed("PersistentVolume", "spec.hostPath.path", "/elsewhere") == (
        "@@ -2,7 +2,7 @@\n"
        '  "GCEPersistentDisk": null,\n'
        '  "AWSElasticBlockStore": null,\n'
        '  "HostPath": {\n'
        f'-  "Path": "{old}",\n'
        '+  "Path": "/elsewhere",\n'
        '   "Type": ""\n'
        "  },\n"
        '  "Glusterfs": null,\n'
    )


def test_the_affinity_of_a_pod_is_a_value_of_go() -> None:
    term = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "web"}}}
    lines = changed("Pod", "spec.affinity", {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}).splitlines()
    assert [line[1:].strip() for line in lines if line.startswith("+")] == [
        '"Affinity": {',
        '"NodeAffinity": null,',
        '"PodAffinity": {',
        '"RequiredDuringSchedulingIgnoredDuringExecution": [',
        *("{", '"LabelSelector": {', '"matchLabels": {', '"app": "web"', "}", "},"),
        '"Namespaces": null,',
        '"TopologyKey": "zone",',
        '"NamespaceSelector": null,',
        '"MatchLabelKeys": null,',
        '"MismatchLabelKeys": null',
        *("}", "],"),
        '"PreferredDuringSchedulingIgnoredDuringExecution": null',
        "},",
        '"PodAntiAffinity": null',
        "},",
    ]


def test_a_binding_may_move_to_another_policy() -> None:
    binding = BY_KIND["ValidatingAdmissionPolicyBinding"]
    old: Any = freeze(binding.example)
    assert binding.validate_update(put(old, "spec.policyName", "other"), old) == []
