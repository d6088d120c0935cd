"""A real JupyterLab in a real Chromium, for tests: start it on a folder, open a notebook, run cells, look.

Waiting for what a person sees (an idle sign, a blinking cursor) is what makes browser tests fail now and then. So everything is
driven through JupyterLab's own application object, which the server is told to expose: cells are run by command and awaited.
"""

from __future__ import annotations

import itertools
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from k8snb.cli import DEFAULTS

REPOSITORY = Path(__file__).resolve().parents[2]
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
READY = """async () => {
  const app = window.jupyterapp;
  await app.restored;
  while (!app.shell.currentWidget?.sessionContext) await new Promise((next) => setTimeout(next, 50)); // the document opens a little later
  const panel = app.shell.currentWidget;
  await panel.context.ready;
  await panel.sessionContext.ready;
  await panel.sessionContext.session.kernel.info;
  return panel.content.widgets.length;
}"""
RUN = """async ([index, wait]) => {
  const app = window.jupyterapp, notebook = app.shell.currentWidget.content;
  notebook.activeCellIndex = index;
  const done = app.commands.execute('notebook:run-cell');
  if (wait) await done;
  const cell = notebook.widgets[index];
  return cell.model.type === 'code' ? cell.model.sharedModel.getOutputs() : [];
}"""

RESTART = """async () => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  await kernel.restart();
  await kernel.info;
}"""


def chromium() -> str:
    """The browser of this machine, or empty."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or ""


def free_port() -> int:
    """A port on loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """``jupyter lab`` on a folder, with settings, kernels and trust of its own; nothing of the user's is read or written."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.token = folder, free_port(), secrets.token_hex(16)
        home = folder.parent / "jupyter-home"
        own = {name: str(home / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")}
        own["JUPYTER_CONFIG_PATH"] = str(DEFAULTS)  # as `k8snb lab` starts it
        path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]))
        self.log = (folder.parent / "jupyter.log").open("w")
        options = [
            "--no-browser", "--ip=127.0.0.1", f"--port={self.port}", f"--IdentityProvider.token={self.token}",
            f"--ServerApp.root_dir={folder}", "--ServerApp.disable_check_xsrf=True", "--LabApp.expose_app_in_browser=True", "--allow-root",
        ]  # fmt: skip
        command = [sys.executable, "-m", "jupyterlab", *options]
        self.process = subprocess.Popen(command, env={**os.environ, **own, "PYTHONPATH": path}, stdout=self.log, stderr=self.log)
        self._wait()

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path: str, method: str = "GET") -> Any:
        """A request to Jupyter's REST API."""
        request = urllib.request.Request(f"{self.address}/api/{path}", method=method, headers={"Authorization": f"token {self.token}"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def _wait(self) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                self.ask("status")
                return
            except OSError:
                time.sleep(0.2)
        self.stop()
        raise TimeoutError("JupyterLab did not come up: " + Path(self.log.name).read_text()[-2000:])

    def close_sessions(self) -> None:
        """End all kernels, so that one test does not slow the next."""
        for session in self.ask("sessions"):
            self.ask(f"sessions/{session['id']}", "DELETE")

    def stop(self) -> None:
        """End the server and its kernels."""
        self.process.terminate()
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()


_WORKSPACES = itertools.count(1)


class Notebook:
    """An open notebook in the browser. ``page`` is Playwright's, for clicks and for looking."""

    def __init__(self, server: Server, page: Any, name: str, theme: str = "light") -> None:
        self.page, self.errors = page, []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._note(server, request.url))
        self.strangers: list[str] = []
        workspace = f"test-{next(_WORKSPACES)}"  # of its own: of one that is open in another tab JupyterLab goes on to a second one
        page.goto(f"{server.address}/lab/workspaces/{workspace}/tree/{name}?reset&token={server.token}")
        page.wait_for_function("() => window.jupyterapp", timeout=60_000)
        self.cells = int(page.evaluate(READY))
        wanted = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}[theme]
        page.evaluate("async (theme) => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", wanted)
        page.wait_for_function(f"() => document.body.dataset.jpThemeLight === '{str(theme == 'light').lower()}'")

    def _note(self, server: Server, url: str) -> None:
        if not url.startswith((server.address, f"ws://127.0.0.1:{server.port}", "data:", "blob:")):
            self.strangers.append(url)

    def run(self, index: int, *, wait: bool = True) -> list[dict[str, Any]]:
        """Run a cell and give its outputs (nbformat); ``wait`` False returns while it still runs."""
        outputs: list[dict[str, Any]] = self.page.evaluate(RUN, [index, wait])
        return outputs

    def run_all(self) -> list[list[dict[str, Any]]]:
        """Run every cell in order; the outputs of each."""
        return [self.run(index) for index in range(self.cells)]

    def command(self, name: str) -> None:
        """One of JupyterLab's commands, such as ``docmanager:save``, awaited."""
        self.page.evaluate("async (name) => { await window.jupyterapp.commands.execute(name); }", name)

    def restart_kernel(self) -> None:
        """Restart it without a question; returns when the new one answers."""
        self.page.evaluate(RESTART)

    def cell(self, index: int) -> Any:
        """A locator for a cell."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)
