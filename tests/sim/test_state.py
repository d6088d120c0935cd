"""State is a value: it can be cloned, and written and read as JSON, and frozen objects are shared."""

import json
from collections import deque
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.sim.frozen import Frozen, FrozenDict, freeze, memo, thaw
from k8snb.sim.kernel import Event
from k8snb.sim.state import OtherRecord, Shelf, Tape, clone, decode, encode
from k8snb.sim.trace import TraceState

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_freezing_changes_nothing_but_the_right_to_write(value):
    frozen = freeze(value)
    assert frozen == value == thaw(frozen)
    assert freeze(frozen) is frozen or not isinstance(value, (dict, list))


def test_writing_into_a_shared_object_names_the_remedy():
    pod = freeze({"spec": {"containers": [{"image": "nginx"}]}})
    with pytest.raises(Frozen, match=r"put\(pod, .* copy\.deepcopy"):
        pod["spec"]["containers"][0]["image"] = "httpd"
    with pytest.raises(Frozen):
        pod["spec"]["containers"].append({})


def test_a_clone_shares_frozen_objects_and_nothing_else():
    obj = freeze({"a": 1})
    state = {"cache": Shelf({"x": obj}), "queue": deque(["k"]), "seen": {1}, "records": TraceState(Tape([obj]))}
    copy = clone(state)
    assert copy == state
    assert copy["cache"]["x"] is obj
    copy["cache"]["y"] = obj
    copy["queue"].append("l")
    copy["records"].records.append(obj)
    assert "y" not in state["cache"]
    assert list(state["queue"]) == ["k"]
    assert len(state["records"].records) == 1


@given(JSON)
def test_saved_state_is_read_back_equal(value):
    state = {
        "objects": Tape([freeze(value), 1, "x"]),
        "tuple": (1, ("a", None)),
        "event": Event(1, 0, 2, "c", ("work", "x"), "w", (3,), 0, False),
    }
    saved = json.loads(json.dumps(encode(state)))
    assert decode(saved) == state


def test_sharing_survives_saving():
    obj = freeze({"a": {"b": 1}})
    loaded = decode(encode({"one": Shelf({"k": obj}), "two": Tape([obj])}))
    assert loaded["one"]["k"] is loaded["two"][0]


def test_a_saved_file_cannot_name_foreign_code():
    with pytest.raises(ValueError, match="only hold k8snb's own records"):
        decode({"kinds": [["subprocess:Popen", []]], "objects": [], "root": ["record", 0, []]})


def test_a_record_that_has_other_fields_by_now_is_named():
    saved = encode({"event": Event(1, 0, 2, "c", ("work", "x"), "w", (3,), 0, False), "trace": TraceState(Tape())})
    assert [name for name, _ in saved["kinds"]] == ["k8snb.sim.kernel:Event", "k8snb.sim.trace:TraceState"]
    for name, fields in saved["kinds"]:
        for other in (fields[:-1], [*fields, "more: int"], [fields[0].replace(":", ": list["), *fields[1:]]):
            kinds = [[one, other if one == name else known] for one, known in saved["kinds"]]
            with pytest.raises(OtherRecord, match=f"^{name}$"):
                decode({**saved, "kinds": kinds})


@pytest.mark.parametrize("name", ["k8snb.sim.kernel:Gone", "k8snb.sim.gone:Event"])
def test_a_record_that_is_no_more_is_named(name):
    with pytest.raises(OtherRecord, match=f"^{name}$"):
        decode({"kinds": [[name, []]], "objects": [], "root": None})


def test_what_is_no_plain_data_is_refused():
    with pytest.raises(TypeError, match="state may not hold"):
        clone({"f": lambda: 1})


def test_work_on_a_frozen_value_is_remembered_on_it():
    value = FrozenDict({"a": 1})
    memo(value)["x"] = 42
    assert memo(value)["x"] == 42
    assert "x" not in memo(FrozenDict({"a": 1}))


@dataclass(slots=True)
class Outside:
    """A record that is not k8snb's own."""

    items: list = field(default_factory=list)


def test_a_record_of_another_package_can_be_cloned_but_not_loaded():
    assert clone(Outside([1])).items == [1]
    with pytest.raises(ValueError, match="own records"):
        decode(encode(Outside()))
