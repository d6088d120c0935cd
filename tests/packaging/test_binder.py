"""The Binder environment: what repo2docker makes of ``binder/``, without Docker."""

import io
import re
import tomllib
from contextlib import chdir, redirect_stdout

import pytest

from tests.house.source import ROOT

PINNED = dict(line.split("==") for line in (ROOT / "binder/requirements.txt").read_text().splitlines() if "==" in line)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def dockerfile():
    packs = pytest.importorskip("repo2docker.buildpacks")
    with chdir(ROOT), redirect_stdout(io.StringIO()):
        pack = packs.PythonBuildPack("docker.io/library/buildpack-deps:noble")
        assert pack.detect()
        pack.platform = "linux/amd64"
        return pack.render({})


def test_it_runs_the_python_that_is_asked_for(dockerfile):
    assert (ROOT / "binder/runtime.txt").read_text().strip() == "python-3.12"
    assert re.search(r"py-2d3-2e12-2dlinux", dockerfile), "the lock file of Python 3.12 is the one that is copied in"


def test_requirements_are_installed_before_the_repository_is_copied(dockerfile):
    assert dockerfile.index("binder/requirements.txt") < dockerfile.index("COPY --chown=1000:1000 src/ ${REPO_DIR}/")


def test_the_package_itself_is_installed_afterwards(dockerfile):
    assert "binder/postBuild" in dockerfile[dockerfile.index("COPY --chown=1000:1000 src/ ${REPO_DIR}/") :]
    assert "pip install --no-cache-dir --no-deps ." in (ROOT / "binder/postBuild").read_text()


def test_every_dependency_but_jupyterlab_is_pinned():
    wanted = {re.split(r"[<>=;! ]", dependency)[0].lower() for dependency in PROJECT["dependencies"]}
    assert {name.lower() for name in PINNED} == wanted - {"jupyterlab"}


def test_the_pins_are_what_the_project_allows():
    from packaging.requirements import Requirement

    allowed = {req.name.lower(): req.specifier for req in map(Requirement, PROJECT["dependencies"])}
    assert {name: pin for name, pin in PINNED.items() if not allowed[name.lower()].contains(pin)} == {}
