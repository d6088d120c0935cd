"""The live view's Python half: what goes over the wire, and that nothing a browser sends can break the kernel."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import comm
import pytest

from k8snb.sim.frozen import freeze
from k8snb.views import live
from k8snb.widgets.assets import asset
from k8snb.widgets.cluster_view import Closeup, ClusterView


class RecordingComm(comm.base_comm.BaseComm):
    """Keeps what a widget would send to the browser."""

    def __init__(self, **options: Any) -> None:
        self.sent: list[dict[str, Any]] = []
        super().__init__(**options)

    def publish_msg(self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any) -> None:
        self.sent.append(data or {})


class World:
    """A cluster of one pod that is restarted at every step. Revision n is its n-th state."""

    def __init__(self) -> None:
        self.history = [freeze({"pods": [self.pod(0)], "nodes": []})]
        self.broken = False

    def pod(self, restarts: int) -> dict[str, Any]:
        status = {"phase": "Running", "containerStatuses": [{"restartCount": restarts, "state": {"running": {}}, "ready": True}]}
        return {"kind": "Pod", "metadata": {"name": "p", "namespace": "x"}, "spec": {"containers": [{}], "nodeName": "n"}, "status": status}

    def moment(self, position: int | None, seen: int) -> live.Moment:
        last = len(self.history) - 1
        at = last if position is None else position
        return live.Moment(snapshot=self.history[at], revision=at, index=at, length=last, now=at * 1_000_000)

    def advance(self, size: str) -> bool:
        if self.broken:
            raise RuntimeError("<b>my reconcile</b> failed")
        self.history.append(freeze({"pods": [self.pod(len(self.history))], "nodes": []}))
        return len(self.history) < 6

    def closeup(self, name: str, position: int | None) -> Closeup:
        at = len(self.history) - 1 if position is None else position
        here, before = self.history[at]["pods"][0], self.history[max(0, at - 1)]["pods"][0]
        return Closeup(here, before, "kubelet/n patch pods/status x/p") if name == "pods x/p" else Closeup(None)

    def calm(self) -> bool:
        return len(self.history) >= 6

    def snapshot(self) -> Any:
        return self.history[-1]


HEARD = {"type": "heard"}


@pytest.fixture(autouse=True)
def wire(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comm, "create_comm", lambda *args, **options: RecordingComm(**options))


def see(world: World) -> ClusterView:
    return ClusterView(world, world.advance)


def sent(view: ClusterView) -> list[dict[str, Any]]:
    """The custom messages sent since last asked."""
    messages = [data["content"] for data in view.comm.sent if data.get("method") == "custom"]
    view.comm.sent.clear()
    return messages


def tell(view: ClusterView, **command: Any) -> list[dict[str, Any]]:
    """What comes back for a message of the browser, beside that it was heard."""
    sent(view)
    view._handle_custom_msg(command, [])
    return [message for message in sent(view) if message != HEARD]


def test_a_command_is_heard_before_anything_comes_of_it() -> None:
    view = see(World())
    view._handle_custom_msg({"do": "step"}, [])
    assert [message["type"] for message in sent(view)] == ["heard", "patch"]
    view._handle_custom_msg({"do": "sync", "seq": 1}, [])
    assert sent(view) == [HEARD]
    view._handle_custom_msg({"do": "explode"}, [])
    assert sent(view) == []


def test_a_step_sends_a_patch_of_what_changed_and_no_frame() -> None:
    view = see(World())
    [message] = tell(view, do="step", size="reconcile")
    assert message["type"] == "patch"
    assert message["seq"] == 1
    assert list(message["patch"]["set"]["pods"]) == ["pods x/p"]
    assert len(json.dumps(message)) < 600


def test_patches_lead_to_what_a_new_page_would_get() -> None:
    view = see(World())
    frame = view.get_state("frame")["frame"]["frame"]
    for _ in range(3):
        for message in tell(view, do="step"):
            frame = live.patched(frame, message["patch"])
    assert view.get_state("frame")["frame"] == {"seq": 3, "frame": frame}


def test_a_page_that_missed_something_asks_and_gets_the_frame() -> None:
    view = see(World())
    tell(view, do="step")
    assert tell(view, do="sync", seq=1) == []
    [message] = tell(view, do="sync", seq=0)
    assert (message["type"], message["seq"]) == ("frame", 1)


def test_nothing_changed_sends_nothing() -> None:
    view = see(World())
    sent(view)
    view.changed()
    view.refresh()
    assert sent(view) == []


def test_the_timeline_shows_the_past_and_a_step_returns_to_now() -> None:
    view = see(World())
    for _ in range(3):
        tell(view, do="step")
    [message] = tell(view, do="seek", index=1)
    assert message["patch"]["meta"]["live"] is False
    assert message["patch"]["set"]["pods"]["pods x/p"]["restarts"] == 1
    [message] = tell(view, do="step")
    assert message["patch"]["meta"]["live"] is True
    assert message["patch"]["meta"]["index"] == 4


@pytest.mark.parametrize("index", [-5, 99, 10**12])
def test_a_place_outside_the_timeline_is_its_nearest_end(index: int) -> None:
    view = see(World())
    tell(view, do="step")
    tell(view, do="seek", index=index)
    assert view.get_state("frame")["frame"]["frame"]["meta"]["index"] == (0 if index < 0 else 1)


def test_a_click_gives_the_manifest_and_the_last_change() -> None:
    view = see(World())
    tell(view, do="step")
    [message] = tell(view, do="inspect", id="pods x/p")
    assert "restartCount: 1" in message["yaml"]
    assert ["+", "    restartCount: 1"] in [[sign, line.replace("  - ", "    ")] for sign, line in message["diff"]]
    assert message["said"] == "kubelet/n patch pods/status x/p"
    [message] = tell(view, do="inspect", id="pods x/<script>")
    assert message["yaml"] == ""


def test_what_a_learners_code_raises_is_shown_and_the_view_lives_on() -> None:
    world = World()
    view = see(world)
    world.broken = True
    [message] = tell(view, do="step")
    assert message == {"type": "error", "text": "RuntimeError: <b>my reconcile</b> failed"}
    world.broken = False
    assert tell(view, do="step")[0]["type"] == "patch"


@pytest.mark.parametrize(
    "nonsense", [{}, {"do": "rm -rf"}, {"do": None}, {"do": "seek", "index": "x"}, {"do": "speed", "rate": "∞"}, {"do": "inspect"}]
)
def test_nonsense_from_a_browser_breaks_nothing(nonsense: dict[str, Any]) -> None:
    view = see(World())
    tell(view, **nonsense)
    assert tell(view, do="step")[0]["type"] == "patch"


def test_play_goes_on_until_the_cluster_is_calm() -> None:
    async def story() -> ClusterView:
        view = see(World())
        view._driver.rate = 1000
        tell(view, do="play")
        for _ in range(40):
            await asyncio.sleep(0.02)
        return view

    view = asyncio.run(story())
    assert not view._driver.playing
    assert view.get_state("frame")["frame"]["frame"]["meta"]["index"] == 5
    assert view.get_state("frame")["frame"]["frame"]["meta"]["playing"] is False


def test_its_text_is_the_same_tomorrow_and_has_a_static_picture() -> None:
    first, second = see(World()), see(World())
    assert repr(first) == repr(second) == "0:00:00.000  revision 0  1 ◌ Running, not ready\nnodes n\n  ◌ x/p  1/1  Running, not ready"
    data, _ = first._repr_mimebundle_()
    assert data["text/plain"] == repr(first)
    assert "<svg" in data["text/html"]
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == first.model_id


def test_a_script_that_changes_much_is_not_slowed_by_a_view() -> None:
    world = World()
    view = see(world)
    sent(view)
    for _ in range(200):
        world.advance("event")
        view.changed()
    assert len(sent(view)) < 20
    assert repr(view).startswith("0:03:20.000")  # who looks sees the present


def test_the_browser_half_is_small_and_asks_nobody_else() -> None:
    for name in ("cluster_view.js", "cluster_view.css"):
        source = asset(name).read_text(encoding="utf-8")
        assert len(source.encode()) < 60_000
        assert "http" not in source
        assert "innerHTML" not in source
