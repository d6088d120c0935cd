"""`k8snb lab` gives a learner the chapters, and never takes their work away."""

import json

import pytest

from k8snb import cli
from k8snb.course import files


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
    monkeypatch.setattr(cli.subprocess, "run", lambda command, **_: ran.append(command) or type("Done", (), {"returncode": 0}))
    assert cli.main(["lab", str(tmp_path / "mine"), "--", "--no-browser", "--port", "8899"]) == 0
    assert "--LabApp.default_url=/lab/tree/en/01-why.ipynb" in ran[0]
    assert f"--ServerApp.root_dir={tmp_path / 'mine'}" in ran[0]
    assert ran[0][-3:] == ["--no-browser", "--port", "8899"]


def test_a_language_without_chapters_says_so(chapters, tmp_path, capsys):
    try:
        assert cli.main(["lab", str(tmp_path / "mine"), "--language", "ja"]) == 1
    finally:
        cli.set_language("en")
    assert "この言語の章はまだありません" in capsys.readouterr().out


def test_copies_are_trusted_so_that_stored_pictures_show(chapters, tmp_path):
    cli.main(["chapters", str(tmp_path / "mine")])
    copy = files.nbformat.read(tmp_path / "mine" / "en" / "01-why.ipynb", as_version=4)
    assert files.NotebookNotary().check_signature(copy)


@pytest.mark.parametrize("command", ["lab", "chapters"])
def test_an_unknown_option_is_refused_and_never_taken_for_a_folder(chapters, tmp_path, command):
    with pytest.raises(SystemExit):
        cli.main([command, "--port", str(tmp_path / "8899")])
    assert not (tmp_path / "8899").exists()
