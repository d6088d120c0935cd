"""The file system of a container against the simplest thing that could be one: a dict of paths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.kubelet.images.files import File, Files, Link, NoSpaceError, ReadOnlyError, Volume
from k8snb.kubelet.volumes import atomic
from k8snb.seams.cri import MountPoint
from k8snb.sim.state import Shelf

PATHS = st.sampled_from(["/a", "/dir/b", "/dir/sub/c", "/v/x", "/v/deep/y", "/v/z"])
BASE = {"/a": "of the image", "/dir/sub/c": "of the image"}


def files(volume: Shelf | None = None, **more) -> Files:
    """A container with a volume at /v."""
    return Files(Shelf(), BASE, (MountPoint("/v", "v"),), {"v": Volume(volume if volume is not None else Shelf(), **more)})


@given(st.lists(st.tuples(st.sampled_from(["write", "append", "remove"]), PATHS, st.text(alphabet="xyz", max_size=3)), max_size=20))
def test_it_remembers_what_was_written_and_forgets_what_was_removed(story):
    real, model = files(), dict(BASE)
    for verb, path, text in story:
        if verb == "remove":
            assert real.remove(path) == (path in model)
            model.pop(path, None)
        else:
            real.write(path, text, append=verb == "append")
            model[path] = model.get(path, "") + text if verb == "append" else text
    assert {name: real.read(name) for name in ("/a", "/dir/b", "/dir/sub/c", "/v/x", "/v/deep/y", "/v/z")} == {
        name: model.get(name) for name in ("/a", "/dir/b", "/dir/sub/c", "/v/x", "/v/deep/y", "/v/z")
    }
    for directory in ("/", "/dir", "/dir/sub", "/v", "/v/deep"):
        prefix = directory.rstrip("/") + "/"
        inside = {name[len(prefix) :].split("/")[0] for name in model if name.startswith(prefix)}
        assert set(real.listing(directory)) == inside | ({"v"} if directory == "/" else set())


def test_links_lead_to_files_and_directories():
    tree = Shelf({"real/one": File("1"), "..data": Link("real"), "one": Link("..data/one"), "loop": Link("loop")})
    seen = files(tree)
    assert (seen.read("/v/one"), seen.read("/v/..data/one"), seen.is_directory("/v/..data"), seen.read("/v/loop")) == ("1", "1", True, None)
    assert (seen.stat("/v/one").kind, seen.stat("/v/one").target, seen.stat("/v/real/one").kind) == ("l", "..data/one", "-")


def test_writing_through_a_link_changes_what_it_leads_to():
    tree = Shelf({"real": File("old"), "link": Link("real")})
    files(tree).write("/v/link", "new")
    assert (tree["real"].text, tree["link"]) == ("new", Link("real"))


def test_full_and_read_only_volumes_say_so():
    with pytest.raises(NoSpaceError, match="No space left on device"):
        files(size=4, limited=True).write("/v/x", "12345")
    with pytest.raises(ReadOnlyError, match="Read-only file system"):
        files(read_only=True).write("/v/x", "1")


@given(st.dictionaries(st.sampled_from(["a", "b", "deep/c"]), st.text(max_size=5), max_size=3), st.integers(0, 10**15))
def test_the_atomic_tree_shows_exactly_its_files(texts, now):
    seen = files(Shelf(atomic.tree({name: File(text) for name, text in texts.items()}, now, "seed")))
    assert {name: seen.read(f"/v/{name}") for name in texts} == texts
    assert [name for name in seen.listing("/v") if not name.startswith("..")] == sorted({name.split("/")[0] for name in texts})
    assert seen.stat("/v/..data", follow=True)[:3] == ("d", 4096, 0o755)


@pytest.mark.parametrize(
    ("written", "mounted", "as_built"),
    [
        ({"/other": "text", "/direct": "text"}, "/v", True),
        ({"/dir/": File("", 0o700)}, "/v", False),
        ({"/dir/new": "text"}, "/v", False),
        ({"/dir/sub/c": None}, "/v", False),  # deleted
        ({"/dir": Link("/other")}, "/v", False),
        ({}, "/dir/sub", False),
        ({}, "/dir", False),
        ({}, "/", False),
    ],
)
def test_a_directory_is_as_built_while_nobody_has_written_or_mounted_anything_there(written, mounted, as_built):
    seen = Files(Shelf(written), BASE, (MountPoint(mounted, "v"),), {"v": Volume(Shelf())})
    assert seen.is_as_built("/dir/") == as_built
