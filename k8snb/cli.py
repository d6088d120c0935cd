"""The command ``k8snb``.

k8snb lab                       put the chapters into the folder `course` and open JupyterLab on the first
k8snb lab my-folder --language ja
k8snb chapters my-folder        only put the chapters there
k8snb serve --port 6443 --kubeconfig k8snb.kubeconfig --nodes 3     a cluster for real kubectl
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
from pathlib import Path

from k8snb.course import files
from k8snb.messages import LANGUAGES, set_language, text
from k8snb.simulation.config import RUNTIMES

DEFAULTS = Path(__file__).parent / "course" / "jupyter"
"""What JupyterLab does unless the learner sets it otherwise: it does not ask about news over the first chapter, looks for no updates
(the course needs no network), and keeps the state of widgets in a saved notebook, so that they show when it is opened again."""


def chapters(arguments: argparse.Namespace) -> int:
    """Put the chapters into the folder and say what was new."""
    if not files.notebooks(arguments.language):
        print(text("lab.none", language=arguments.language))
        return 1
    placed = files.put_chapters(arguments.folder, arguments.language)
    new = sum(placed.values())
    print(text("lab.placed", new=new, kept=len(placed) - new, folder=arguments.folder / arguments.language))
    return 0


def lab(arguments: argparse.Namespace) -> int:
    """Put the chapters there, then run JupyterLab in that folder until it is stopped; its exit code is ours."""
    if chapters(arguments):
        return 1
    first = files.notebooks(arguments.language)[0].name
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={arguments.folder.resolve()}"]
    command += [f"--LabApp.default_url=/lab/tree/{arguments.language}/{first}", *_as_root(), *arguments.jupyter]
    print(text("lab.opening"), flush=True)
    try:
        return subprocess.run(command, check=False, env=_environment()).returncode
    except KeyboardInterrupt:
        return 0


def _as_root() -> list[str]:
    # In a container one is root, and Jupyter would refuse to start. It still listens on loopback only and wants its token.
    return ["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []


def _environment() -> dict[str, str]:
    given = os.environ.get("JUPYTER_CONFIG_PATH")
    return {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, [given, str(DEFAULTS)]))}


def serve(arguments: argparse.Namespace) -> int:
    """Serve a cluster on loopback until interrupted."""
    from k8snb.http.serve import machines, new_simulation, serve  # only this command needs a web server

    try:
        simulation = new_simulation(machines(arguments.nodes), runtime=arguments.runtime, seed=arguments.seed, loud=not arguments.quiet)
        asyncio.run(serve(simulation, port=arguments.port, kubeconfig=arguments.kubeconfig, factor=arguments.factor))
    except (OSError, ValueError) as error:
        print(text("serve.failed", error=error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


def _serve_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--port", type=int, default=0, help="on 127.0.0.1 (default: a free one)")
    command.add_argument(
        "--kubeconfig", type=Path, default=Path("k8snb.kubeconfig"), help="written for kubectl (default: k8snb.kubeconfig)"
    )
    command.add_argument("--nodes", default="3", help="how many, or a file of Node manifests (default: 3)")
    command.add_argument("--runtime", choices=RUNTIMES, default="faithful")
    command.add_argument("--factor", type=float, default=1.0, help="virtual seconds for each second of the wall clock")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--quiet", action="store_true", help="send no warnings of k8snb's own")


COMMANDS = (
    ("lab", lab, "put the chapters into a folder and open JupyterLab on the first"),
    ("chapters", chapters, "only put the chapters into a folder"),
)


def parser() -> argparse.ArgumentParser:
    """The command line: one subcommand for each row of ``COMMANDS``."""
    top = argparse.ArgumentParser(prog="k8snb", description="A Kubernetes that you can hold still, and a course about it.")
    commands = top.add_subparsers(required=True, metavar="command")
    for name, run, summary in COMMANDS:
        command = commands.add_parser(name, help=summary, description=summary)
        command.add_argument("folder", nargs="?", type=Path, default=Path("course"), help="where the chapters go (default: course)")
        command.add_argument("--language", choices=LANGUAGES, default=LANGUAGES[0])
        command.set_defaults(run=run)
    command = commands.add_parser(
        "serve", help="serve a cluster to real kubectl", description="Serve a cluster to real kubectl on loopback."
    )
    _serve_options(command)
    command.set_defaults(run=serve, language=LANGUAGES[0])
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run one command; what follows ``--`` goes to JupyterLab. Returns the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    split = given.index("--") if "--" in given else len(given)
    known = parser().parse_args(given[:split])
    known.jupyter = given[split + 1 :]
    set_language(known.language)
    return int(known.run(known))


if __name__ == "__main__":
    sys.exit(main())
