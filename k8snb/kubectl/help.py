"""Help: of a command, of a group of commands that was called bare, and of kubectl itself.

What a command does and how it is called is kubectl's; of its options only the names stand here.

Models: k8s.io/kubectl/pkg/util/templates (templater.go, templates.go), pkg/cmd/options, spf13/cobra's help command.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from k8snb.kubectl.call import Command
from k8snb.kubectl.flags import Flag
from k8snb.kubectl.result import Result

GROUPS = (  # how kubectl's own help sorts its commands
    ("Basic Commands (Beginner):", ("create", "expose", "run", "set")),
    ("Basic Commands (Intermediate):", ("explain", "get", "edit", "delete")),
    ("Deploy Commands:", ("rollout", "scale", "autoscale")),
    ("Cluster Management Commands:", ("certificate", "cluster-info", "top", "cordon", "uncordon", "drain", "taint")),
    ("Troubleshooting and Debugging Commands:",
     ("describe", "logs", "attach", "exec", "port-forward", "proxy", "cp", "auth", "debug", "events")),
    ("Advanced Commands:", ("diff", "apply", "patch", "replace", "wait", "kustomize")),
    ("Settings Commands:", ("label", "annotate", "completion")),
    ("Other Commands:", ("api-resources", "api-versions", "config", "plugin", "version")),
)  # fmt: skip
NARROWEST = 11  # of the column of names
ALL_OPTIONS = 'Use "kubectl options" for a list of global command-line options (applies to all commands).'


def help_text(command: Command, path: str) -> str:
    """A command's help, in kubectl's form."""
    tail = [f'Use "{path} <command> --help" for more information about a given command.'] * bool(command.subcommands)
    sections = [command.long or f"{command.short}.", *_names(command), *_commands(command, path), *_options(command.flags)]
    return "\n\n".join([*sections, f"Usage:\n  {_usage(command, path)}", "\n".join([*tail, ALL_OPTIONS])]) + "\n"


def _names(command: Command) -> Iterator[str]:
    if command.aliases:
        yield f"Aliases:\n{', '.join([command.name, *command.aliases])}"


def _commands(command: Command, path: str) -> Iterator[str]:
    """The commands below this one: kubectl's own in groups, those of a group by name."""
    known = {one.name: one for one in command.subcommands}
    groups = GROUPS if path == "kubectl" else (("Available Commands:", tuple(sorted(known))),)
    width = max([NARROWEST, *map(len, known)]) + 3
    for title, names in groups if known else ():
        yield "\n".join([title, *(f"  {name.ljust(width)}{known[name].short}" for name in names)])


def _options(flags: Sequence[Flag]) -> Iterator[str]:
    if flags:
        rows = (f"    {'-' + flag.shorthand + ', ' if flag.shorthand else ''}--{flag.name}" for flag in flags)
        yield "\n".join(["Options:", *sorted(rows, key=lambda row: row.partition("--")[2])])


def _usage(command: Command, path: str) -> str:
    return f"{command.usage or f'{path} [flags]'} [options]"


def options_text(flags: Sequence[Flag]) -> Result:
    """``kubectl options``: what every command takes."""
    (listed,) = _options([flag for flag in flags if flag.name != "help"])
    return Result((("stdout", "\n".join(["The following options can be passed to any command:", "", *listed.split("\n")[1:]]) + "\n"),))


def topic(root: Command, words: Sequence[str]) -> Result:
    """``kubectl help WORDS``: the help of the command that they lead to, as far as they lead."""
    command, path = root, [root.name]
    for word in (word for word in words if not word.startswith("-")):
        found = command.find(word)
        if found is None:
            break
        command, path = found, [*path, found.name]
    text = help_text(command, " ".join(path))
    if command is root and words:
        return Result((("stderr", f"Unknown help topic [{' '.join(f'`{word}`' for word in words)}]\n{text.removeprefix(root.long)}"),))
    return Result((("stdout", text),))
