"""A ``KubeSchedulerConfiguration``: which profiles a scheduler offers, with which plugins, weights and arguments.

    apiVersion: kubescheduler.config.k8s.io/v1
    kind: KubeSchedulerConfiguration
    profiles:
    - schedulerName: packer                      # pods choose it by spec.schedulerName
      plugins:
        multiPoint: {disabled: [{name: ImageLocality}]}                       # everywhere at once
        score: {enabled: [{name: NodeResourcesFit, weight: 5}]}               # or at one extension point
      pluginConfig:
      - {name: NodeResourcesFit, args: {scoringStrategy: {type: MostAllocated}}}

It is a file that the scheduler reads when it starts, and no object of the API. All that is wrong with it is told at once.

How the plugins of an extension point are found: the default list with what ``multiPoint`` disables, replaces and adds; then, at the
point itself, first the plugins that are named there and stand in that list (in the order in which they are named), then the rest of the
list, then those that are named there only. ``disabled: [{name: "*"}]`` empties the list.

Models: pkg/scheduler/apis/config/validation/validation.go, pkg/scheduler/apis/config/v1/default_plugins.go (mergePluginSet),
pkg/scheduler/framework/runtime/framework.go (expandMultiPointPlugins).
Simplified: a running scheduler cannot be given another file; ``extenders`` (webhooks of other schedulers) are refused; what is about
the process alone (:data:`PROCESS_ONLY`) is accepted and has no effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from k8snb.apimachinery.errors import Errors, FieldError, duplicate, forbidden, invalid, not_supported, required
from k8snb.apimachinery.objects import EMPTY_DICT, FrozenDict, Object
from k8snb.component_helpers.configuration import one_document
from k8snb.messages import Mistake, text
from k8snb.scheduler.framework import EXTENSION_POINTS, Plugin, Profile
from k8snb.scheduler.plugin_args import MAKERS, Reader
from k8snb.scheduler.plugins import DEFAULT_PLUGINS, DEFAULT_PROFILE, DEFAULT_WEIGHTS
from k8snb.scheduler.podinfo import DEFAULT_SCHEDULER
from k8snb.sim.clock import SECOND

API_VERSION, KIND = "kubescheduler.config.k8s.io/v1", "KubeSchedulerConfiguration"
PROCESS_ONLY = (
    "parallelism",
    "leaderElection",
    "clientConnection",
    "enableProfiling",
    "enableContentionProfiling",
    "delayCacheUntilActive",
)
_POINTS = {name[0].lower() + name[1:]: name for name, _ in EXTENSION_POINTS}
_TYPES = dict(EXTENSION_POINTS)
_CLASSES: dict[str, type[Plugin]] = {plugin.name: type(plugin) for plugin in DEFAULT_PLUGINS}
_EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a scheduler is started with. Back-offs in µs. ``ignored``: fields that were given and have no effect here."""

    profiles: tuple[Profile, ...] = (DEFAULT_PROFILE,)
    initial_backoff: int = 1 * SECOND
    max_backoff: int = 10 * SECOND
    ignored: tuple[str, ...] = ()


def parse(given: str | Mapping[str, Any]) -> FrozenDict:
    """The configuration as a value. Raises ValueError for what is no YAML, or several documents."""
    return one_document(given, "scheduler.no_configuration")


def settings(document: Object | None) -> Settings:
    """The settings of a configuration; those of a default scheduler where there is none. Raises ValueError with all that is wrong."""
    if not document:
        return Settings()
    errors: Errors = []
    reader = Reader(document, "", errors)
    _check_kind(document, errors)
    percentage = _percentage(reader)
    initial = reader.number("podInitialBackoffSeconds", 1, 1, None, "must be greater than 0")
    longest = reader.number("podMaxBackoffSeconds", 10, initial, None, "must be greater than or equal to PodInitialBackoffSeconds")
    if reader.get("extenders", object, None):
        errors.append(forbidden("extenders", "webhooks are not simulated; write a plugin instead"))
    ignored = tuple(field for field in PROCESS_ONLY if reader.get(field, object, None) is not None)
    given = reader.items("profiles") or [Reader(EMPTY_DICT, "profiles[0]", errors)]
    profiles = tuple(_profile(item, percentage, alone=len(given) == 1) for item in given)
    _check_profiles(profiles, errors)
    reader.finish()
    if errors:
        lines = dict.fromkeys(f"  {error}" for error in errors)
        raise Mistake(text("scheduler.bad_configuration", errors="\n".join(lines)))
    return Settings(profiles, initial * SECOND, longest * SECOND, ignored)


def _check_kind(document: Object, errors: Errors) -> None:
    for field, only in (("apiVersion", API_VERSION), ("kind", KIND)):
        found = document.get(field)
        if found is None:
            errors.append(required(field))
        elif found != only:
            errors.append(not_supported(field, found, [only]))


def _percentage(reader: Reader, default: int = 0) -> int:
    return reader.number("percentageOfNodesToScore", default, 0, 100, "not in valid range [0-100]")


def _check_profiles(profiles: tuple[Profile, ...], errors: Errors) -> None:
    names = [profile.scheduler_name for profile in profiles]
    for number, profile in enumerate(profiles):
        path, name = f"profiles[{number}]", profile.scheduler_name
        if not name:
            errors.append(required(f"{path}.schedulerName"))
        elif names.index(name) < number:
            errors.append(duplicate(f"{path}.schedulerName", f"profiles[{names.index(name)}].schedulerName"))
        sorts, binds = profile.at(_TYPES["QueueSort"]), profile.at(_TYPES["Bind"])
        if len(sorts) != 1:
            errors.append(invalid(f"{path}.plugins.queueSort", [plugin.name for plugin in sorts], "one queue sort plugin is needed"))
        if not binds:
            errors.append(FieldError(path, "FieldValueRequired", "at least one bind plugin is needed"))


def _profile(reader: Reader, percentage: int, *, alone: bool) -> Profile:
    name = reader.get("schedulerName", str, DEFAULT_SCHEDULER if alone else "")
    percentage = _percentage(reader, percentage)
    configured = _configured(reader)
    sets = reader.inner("plugins") or Reader(EMPTY_DICT, reader.at("plugins"), reader.errors)
    everywhere, weights = _multi_point(_PluginSet(sets.inner("multiPoint")))
    at_points = {point: _PluginSet(sets.inner(point)) for point in _POINTS}
    sets.finish()
    reader.finish()
    weights |= {plugin: weight for plugin, weight in at_points["score"].enabled.items() if weight}
    named = dict.fromkeys([*everywhere, *(plugin for one in at_points.values() for plugin in one.enabled)])
    plugins = {plugin: configured.get(plugin) or _CLASSES[plugin]() for plugin in named}
    points = {_POINTS[point]: _at_point(_POINTS[point], one, everywhere, plugins) for point, one in at_points.items()}
    return Profile(
        scheduler_name=name, plugins=tuple(plugins.values()), weights=weights, percentage_of_nodes_to_score=percentage, points=points
    )


def _configured(reader: Reader) -> dict[str, Plugin]:
    """The plugins that ``pluginConfig`` gives arguments to."""
    found: dict[str, Plugin] = {}
    for item in reader.items("pluginConfig"):
        name = item.get("name", str, "")
        args = item.inner("args") or Reader(EMPTY_DICT, item.at("args"), reader.errors)
        if name in found:
            reader.errors.append(duplicate(item.path, name))
        elif name not in _CLASSES:
            reader.errors.append(not_supported(item.at("name"), name, _CLASSES))
        else:
            found[name] = MAKERS[name](args) if name in MAKERS else _CLASSES[name]()
            args.finish()
        item.finish()
    return found


class _PluginSet:
    """``enabled`` (name to weight, 0 where none is given) and ``disabled`` at one extension point, or at all of them."""

    def __init__(self, reader: Reader | None):
        self.reader, self.enabled, self.disabled = reader, {}, set()  # type: ignore[var-annotated]
        if reader is None:
            return
        for item in reader.items("enabled"):
            name = item.get("name", str, "")
            weight = item.number("weight", 0, 0, None, "must not be negative")
            item.finish()
            if name not in _CLASSES:
                reader.errors.append(not_supported(item.at("name"), name, _CLASSES))
            elif name in self.enabled:
                reader.errors.append(duplicate(item.at("name"), name))
            else:
                self.enabled[name] = weight
        for item in reader.items("disabled"):
            name = item.get("name", str, "")
            if name != _EVERYTHING and name not in _CLASSES:
                reader.errors.append(not_supported(item.at("name"), name, [_EVERYTHING, *_CLASSES]))
            self.disabled.add(name)
        reader.finish()


def _multi_point(given: _PluginSet) -> tuple[list[str], dict[str, int]]:
    """The plugins that stand everywhere, in order, and the weights of those that score."""
    kept = [] if _EVERYTHING in given.disabled else [name for name in _CLASSES if name not in given.disabled]
    everywhere = [*kept, *(name for name in given.enabled if name not in kept)]
    weights = {name: given.enabled.get(name) or DEFAULT_WEIGHTS.get(name, 1) for name in everywhere}
    return everywhere, {name: weight for name, weight in weights.items() if weight != 1 or name in DEFAULT_WEIGHTS}


def _at_point(point: str, given: _PluginSet, everywhere: list[str], plugins: Mapping[str, Plugin]) -> tuple[str, ...]:
    """The names of the plugins at an extension point, in order."""
    wanted = _TYPES[point]
    for number, name in enumerate(given.enabled):
        if given.reader is not None and not isinstance(plugins[name], wanted):
            path = f"{given.reader.at('enabled')}[{number}].name"
            given.reader.errors.append(invalid(path, name, f"does not extend {point}"))
    general = [] if _EVERYTHING in given.disabled else [name for name in everywhere if name not in given.disabled]
    general = [name for name in general if isinstance(plugins[name], wanted)]
    own = [name for name in given.enabled if isinstance(plugins[name], wanted)]
    first = [name for name in own if name in general]
    return (*first, *(name for name in general if name not in first), *(name for name in own if name not in first))
