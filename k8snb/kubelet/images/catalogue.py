"""The catalogue: which images exist in this cluster's world, what each stands for, and what a learner may add to them.

    cluster.images                       a table: name, what it stands for
    cluster.images.explain("nginx")      one image: its versions, ports, use of CPU and memory; what it does and does not do
    cluster.images.add(MyImage)          from now on pods can run it

Code, not state. Which images a learner has added is an input of the simulation, as a fault is: recorded and replayed.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from textwrap import fill
from typing import Any, NamedTuple

from k8snb.guests.arguments import WHOLE, shown
from k8snb.guests.inspection import inspected_class
from k8snb.guests.turns import Rejected, guest
from k8snb.kubelet.images.consumption import MIB, Appetite
from k8snb.kubelet.images.generic import Generic
from k8snb.kubelet.images.image import Image
from k8snb.kubelet.images.known import IMAGES
from k8snb.kubelet.images.reference import Reference, parse_reference
from k8snb.messages import Missing, Mistake, several, text
from k8snb.messages.columns import table

WIDTH = 100
HOOKS = {
    "start": 1, "step": 1, "http": 2, "tcp": 2, "listens": 2, "health": 2, "terminate": 1, "appetite": 1,
}  # fmt: skip
"""The hooks that an image may write, and how many arguments each gets beside ``self``."""
_TUPLES = ("aliases", "versions", "variants", "entrypoint", "command", "programs", "absent")
_SHOWN = 8  # so many versions are named


class Explanation(NamedTuple):
    """What one image is. Printed, it is text for people."""

    image: str
    summary: str
    versions: tuple[str, ...]
    ports: tuple[int, ...]
    command: tuple[str, ...]
    cpu: int  # millicores, idle
    memory: int  # bytes, idle
    size: int  # bytes on the disk

    def __repr__(self) -> str:
        shown = several(self.versions, _SHOWN)
        rows = {
            "images.row_versions": shown,
            "images.row_command": " ".join(self.command),
            "images.row_ports": ", ".join(map(str, self.ports)),
            "images.row_usage": text("images.usage", cpu=self.cpu, memory=round(self.memory / MIB, 1), size=round(self.size / 1e6, 1)),
        }
        lines = [f"  {line}" for line in table((text(key), value) for key, value in rows.items() if value)]
        return "\n".join([self.image, fill(self.summary, WIDTH, break_on_hyphens=False), *lines])


class Catalogue:
    """The images that exist in this cluster's world."""

    def __init__(self, added: tuple[type[Image], ...] = ()):
        self.generic = Generic()
        self._images: dict[str, Image] = {}
        self._names: dict[str, Image] = {}
        self.added = added
        self.become(added)

    def become(self, added: tuple[type[Image], ...]) -> None:
        """From now on these are there beside the known ones, and take the place of those of the same name."""
        self.added = added
        self._images.clear()
        self._names.clear()
        for image in (*IMAGES, *added):
            self._put(image())

    def with_image(self, image: Any) -> tuple[type[Image], ...]:
        """What is added once this class is, too. Raises ``ValueError`` with one sentence for what cannot be an image."""
        _check(image)
        return (*(one for one in self.added if one.name != image.name), image)

    def _put(self, made: Image) -> None:
        self._names[made.name] = made
        for name in (made.name, *made.aliases):
            self._images[parse_reference(name).repository] = made

    def find(self, reference: Reference) -> Image | None:
        """The image behind a reference: the catalogued one, or the generic one; None where the version does not exist."""
        known = self._images.get(reference.repository, self.generic)
        return known if known.has(reference) else None

    def explain(self, name: str) -> Explanation:
        """What an image stands for: ``nginx``, ``nginx:1.27`` or a full reference.

        Raises ``ValueError`` for a malformed name; LookupError (a ValueError, too) for a version that does not exist.
        """
        try:
            reference = parse_reference(name)
        except ValueError:
            raise Mistake(text("images.malformed", name=name)) from None
        tagged = ":" in name.rpartition("/")[2]
        found = self.find(reference) if tagged else self._images.get(reference.repository, self.generic)
        if found is None:
            known = ", ".join(self._images[reference.repository].versions[:_SHOWN])
            raise Missing(text("images.no_version", name=name, versions=known))
        use = found.uses
        command = (*found.entrypoint, *found.command)
        versions = () if found.generic else found.versions
        title = name if found.generic else found.name
        return Explanation(title, self._summary_of(name, found), versions, found.ports, command, use.cpu, use.memory, found.size)

    def _summary_of(self, name: str, found: Image) -> str:
        """What an image stands for; of one that is not known, which known ones have a name like that."""
        if found is not self.generic:
            return _summary(found)
        near = get_close_matches(name, self._names, n=3)
        more = text("images.near", names=", ".join(near)) if near else text("images.elsewhere")
        return f"{text('images.not_known', name=name)} {_summary(found)} {more}"

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._names))

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: str) -> bool:
        """Whether the image is simulated, under any of its names."""
        try:
            return parse_reference(name).repository in self._images
        except ValueError:
            return False

    def __repr__(self) -> str:
        rows = table((name, _first(_summary(self._names[name]))) for name in self)
        return "\n".join([text("images.title", count=len(self)), *rows, text("images.other")])


def _summary(image: Image) -> str:
    """What the image stands for: our sentence, or the docstring of a learner's class."""
    return text(image.about) if image.about else " ".join((inspect.getdoc(type(image)) or "").split())


def _first(sentence: str) -> str:
    """The first sentence of several, which fits on a line."""
    for stop in (". ", "。"):
        sentence = sentence.partition(stop)[0]
    return sentence if len(sentence) <= WIDTH else sentence[: WIDTH - 3] + "..."


def _check(image: Any) -> None:
    """Raise ``Mistake`` unless the class can be an image. Whatever a learner wrote there can stand in its facts."""
    if not (isinstance(image, type) and issubclass(image, Image)):
        raise Mistake(text("images.not_a_class", found=repr(image)[:80]))
    name: str = image.__name__
    facts: dict[str, Any] = {fact: getattr(image, fact) for fact in ("name", *_TUPLES)}
    if not isinstance(facts["name"], str) or not facts["name"]:
        raise Mistake(text("images.no_name", image=name))
    for fact in _TUPLES:
        if not isinstance(facts[fact], tuple) or not all(isinstance(word, str) for word in facts[fact]):
            raise Mistake(text("images.not_a_tuple", image=name, fact=fact, example='("1.0", "2.0")'))
    for one in (facts["name"], *facts["aliases"]):
        _check_name(name, one)
    _check_more_facts(name, image)
    for hook, count in HOOKS.items():
        _check_hook(image, hook, count)
    inspected_class(image, Image)
    try:
        with guest("__init__"):
            image()
    except Rejected as error:
        raise Mistake(text("images.cannot_be_made", image=name, error=error)) from None


def _check_more_facts(name: str, image: type[Image]) -> None:
    facts: dict[str, Any] = {fact: getattr(image, fact) for fact in ("ports", "files", "environment", "tools", "uses", "size")}
    if not isinstance(facts["ports"], tuple) or not all(isinstance(port, int) and 0 < port < 1 << 16 for port in facts["ports"]):
        raise Mistake(text("images.not_a_tuple", image=name, fact="ports", example="(8080,)"))
    for fact, words in (("files", str), ("environment", str), ("tools", object)):
        if not _maps(facts[fact], words):
            raise Mistake(text("images.not_a_dict", image=name, fact=fact))
    if not isinstance(facts["uses"], Appetite):
        raise Mistake(text("images.no_uses", image=name, found=shown(facts["uses"])))
    if not WHOLE.fits(facts["size"]):
        raise Mistake(text("images.no_size", image=name, found=shown(facts["size"])))


def _maps(value: Any, words: type) -> bool:
    """Whether it is a dict from text to such words."""
    return isinstance(value, Mapping) and all(isinstance(name, str) and isinstance(word, words) for name, word in value.items())


def _check_name(image: str, name: Any) -> None:
    try:
        reference = parse_reference(name)
    except (ValueError, TypeError):
        raise Mistake(text("images.malformed", name=name)) from None
    if str(name).rpartition("/")[2] != reference.repository.rpartition("/")[2]:
        raise Mistake(text("images.name_with_tag", image=image, name=name))


def _check_hook(image: type[Image], hook: str, count: int) -> None:
    found = getattr(image, hook)
    if isinstance(image.__dict__.get(hook), staticmethod | classmethod):
        found = None  # it would not get what it is called with
    try:
        inspect.signature(found).bind(*[None] * (count + 1))
    except (TypeError, ValueError):
        wanted = ", ".join(["self", *list(inspect.signature(getattr(Image, hook)).parameters)[1:]])
        raise Mistake(text("images.hook", image=image.__name__, hook=hook, wanted=wanted)) from None
