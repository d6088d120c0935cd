"""`k8snb lab` gives a learner the chapters, and never takes their work away."""

import json
import os
import subprocess
import sys
from contextlib import closing

import nbformat
import pytest
from nbformat.sign import NotebookNotary

from k8snb import cli
from k8snb.course import files

DONE = subprocess.CompletedProcess([], 0)


@pytest.fixture
def chapters(tmp_path, monkeypatch):
    """A course of two chapters, so that these tests do not depend on the real one."""
    root = tmp_path / "notebooks"
    (root / "en").mkdir(parents=True)
    for name in ("01-why.ipynb", "02-components.ipynb"):
        notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (root / "en" / name).write_text(json.dumps(notebook))
    monkeypatch.setattr(files, "root", lambda: root)
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    return root


def test_chapters_are_put_into_a_folder_of_the_learners_own(chapters, tmp_path, capsys):
    assert cli.main(["chapters", str(tmp_path / "mine")]) == 0
    assert sorted(path.name for path in (tmp_path / "mine" / "en").iterdir()) == ["01-why.ipynb", "02-components.ipynb"]
    assert json.loads((tmp_path / "mine" / "progress.json").read_text()) == {}
    assert "2 new, 0 kept" in capsys.readouterr().out


def test_what_a_learner_wrote_is_never_overwritten(chapters, tmp_path, capsys):
    mine = tmp_path / "mine" / "en" / "01-why.ipynb"
    cli.main(["chapters", str(tmp_path / "mine")])
    mine.write_text("my own work")
    (tmp_path / "mine" / "progress.json").write_text('{"01.declare": "passed"}')
    assert cli.main(["chapters", str(tmp_path / "mine")]) == 0
    assert mine.read_text() == "my own work"
    assert json.loads((tmp_path / "mine" / "progress.json").read_text()) == {"01.declare": "passed"}
    assert "0 new, 2 kept" in capsys.readouterr().out


def test_lab_opens_jupyterlab_on_the_first_chapter(chapters, tmp_path, monkeypatch):
    ran = []
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/their/own")
    monkeypatch.setattr(cli.subprocess, "run", lambda *given, **named: ran.append((given[0], named["env"])) or DONE)
    assert cli.main(["lab", str(tmp_path / "mine"), "--", "--no-browser", "--port", "8899"]) == 0
    command, environment = ran[0]
    assert "--LabApp.default_url=/lab/tree/en/01-why.ipynb" in command
    assert f"--ServerApp.root_dir={tmp_path / 'mine'}" in command
    assert command[-3:] == ["--no-browser", "--port", "8899"]
    assert environment["JUPYTER_CONFIG_PATH"].split(os.pathsep) == ["/their/own", str(cli.DEFAULTS)]


@pytest.mark.parametrize(("user", "expected"), [(0, True), (1000, False)])
def test_jupyterlab_starts_for_root_too_as_in_a_container(chapters, tmp_path, monkeypatch, user, expected):
    ran = []
    monkeypatch.setattr(cli.os, "geteuid", lambda: user, raising=False)
    monkeypatch.setattr(cli.subprocess, "run", lambda command, **_: ran.append(command) or DONE)
    cli.main(["lab", str(tmp_path / "mine")])
    assert ("--allow-root" in ran[0]) is expected


def test_what_jupyterlab_is_told_are_settings_that_it_has():
    from jupyterlab.commands import get_app_dir  # the schemas are where JupyterLab is installed

    told = json.loads((cli.DEFAULTS / "labconfig" / "default_setting_overrides.json").read_text())
    schemas = [cli.Path(get_app_dir()) / "schemas", *(cli.Path(sys.prefix) / "share/jupyter/labextensions").glob("@*/*/schemas")]
    for plugin, settings in told.items():
        package, _, name = plugin.partition(":")
        [schema] = [path for folder in schemas if (path := folder / package / f"{name}.json").is_file()]
        assert set(settings) <= set(json.loads(schema.read_text())["properties"])


def test_a_chapters_first_cell_imports_nothing_that_only_the_command_needs():
    code = "import sys, k8snb.course, k8snb.notebook.extension; print({'nbformat', 'jsonschema'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_language_without_chapters_says_so(chapters, tmp_path, capsys):
    try:
        assert cli.main(["lab", str(tmp_path / "mine"), "--language", "ja"]) == 1
    finally:
        cli.set_language("en")
    assert not (tmp_path / "mine").exists()
    assert "この言語の章はまだありません" in capsys.readouterr().out


def test_copies_are_trusted_so_that_stored_pictures_show(chapters, tmp_path):
    cli.main(["chapters", str(tmp_path / "mine")])
    copy = nbformat.read(tmp_path / "mine" / "en" / "01-why.ipynb", as_version=4)
    notary = NotebookNotary()
    with closing(notary.store):
        assert notary.check_signature(copy)


@pytest.mark.parametrize("command", ["lab", "chapters"])
def test_an_unknown_option_is_refused_and_never_taken_for_a_folder(chapters, tmp_path, command):
    with pytest.raises(SystemExit):
        cli.main([command, "--port", str(tmp_path / "8899")])
    assert not (tmp_path / "8899").exists()


def test_python_runs_it_too():
    done = subprocess.run([sys.executable, "-m", "k8snb", "serve", "--help"], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "--kubeconfig" in done.stdout) == (0, True)
