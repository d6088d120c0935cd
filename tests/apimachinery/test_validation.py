"""Names, labels and metadata are checked by Kubernetes' rules, in its words."""

from k8snb.apimachinery import meta
from k8snb.apimachinery import validation as v
from k8snb.apimachinery.objects import freeze, put

POD = freeze({"name": "web", "namespace": "shop", "labels": {"app": "web"}, "uid": "u1", "resourceVersion": "5"})


def sentences(errors):
    return [str(error) for error in errors]


def test_sound_metadata_passes():
    assert v.validate_object_meta(POD, namespaced=True) == []
    assert v.validate_object_meta_update(POD, POD) == []


def test_every_fault_of_metadata_is_told_at_once():
    bad = freeze(
        {"name": "Web", "labels": {"a b": "x y"}, "finalizers": ["mine"], "ownerReferences": [{"apiVersion": "v1", "kind": "Pod"}]}
    )
    found = sentences(v.validate_object_meta(bad, namespaced=True))
    assert [text.split(":")[0] for text in found] == [
        "name", "namespace", "labels", "labels", "ownerReferences.name", "ownerReferences.uid", "finalizers[0]",
    ]  # fmt: skip
    assert found[0].startswith(
        "name: Invalid value: \"Web\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'"
    )


def test_the_name_may_be_generated_later_but_not_missing():
    assert sentences(v.validate_object_meta(freeze({"namespace": "a"}), namespaced=True)) == [
        "name: Required value: name or generateName is required"
    ]


def test_identity_does_not_change_and_finalizers_are_not_added_while_deleting():
    leaving = put(POD, "deletionTimestamp", "2026-01-01T00:00:00Z")
    changed = put(put(leaving, "uid", "u2"), "finalizers", ["example.com/keep"])
    assert sentences(v.validate_object_meta_update(changed, leaving)) == [
        (
            "finalizers: Forbidden: no new finalizers can be added if the object is being deleted, "
            'found new finalizers []string{"example.com/keep"}'
        ),
        'uid: Invalid value: "u2": field is immutable',
    ]


def test_selector_expressions_need_the_right_values():
    selector = freeze(
        {
            "matchExpressions": [
                {"key": "a", "operator": "In"},
                {"key": "a", "operator": "Exists", "values": ["x"]},
                {"key": "a", "operator": "Is"},
            ]
        }
    )
    assert sentences(v.validate_label_selector(selector)) == [
        "matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
        "matchExpressions[1].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        'matchExpressions[2].operator: Invalid value: "Is": not a valid selector operator',
    ]


def test_annotations_have_a_total_size():
    assert sentences(v.validate_annotations(freeze({"a": "x" * v.ANNOTATIONS_LIMIT}))) == [": Too long: may not be more than 262144 bytes"]


def test_a_condition_keeps_its_transition_time_while_its_status_stays():
    start, later = 1_767_225_600_000_000, 1_767_225_660_000_000
    first = meta.set_condition([], {"type": "Ready", "status": "True"}, start)
    again = meta.set_condition(first, {"type": "Ready", "status": "True"}, later)
    assert again is first
    turned = meta.set_condition(first, {"type": "Ready", "status": "False", "reason": "X"}, later)
    assert dict(turned[0]) == {"type": "Ready", "status": "False", "reason": "X", "lastTransitionTime": "2026-01-01T00:01:00Z"}


def test_times_go_there_and_back():
    assert meta.parse_time(meta.micro_timestamp(1_767_225_600_123_456)) == 1_767_225_600_123_456
    assert meta.age("2026-01-01T00:00:00Z", 1_767_225_600_000_000 + 150 * meta.SECOND) == "2m30s"
