"""The wheel: built, installed into an empty environment, and used from there, as a learner without the repository would.

Built without isolation, so that it needs no network; third-party packages are lent to the empty environment by path.
"""

import importlib.util
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.house.source import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
BUILD = "import hatchling.build, os, sys; os.chdir(sys.argv[1]); print(hatchling.build.build_wheel(sys.argv[2]))"
LEND = "import sys; sys.path += {paths!r}"


def run(*command: object, **options) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=240, **options)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    if importlib.util.find_spec("hatchling") is None:
        pytest.fail("hatchling builds the wheel: python start.py test installs it")
    out = tmp_path_factory.mktemp("dist")
    name = run(sys.executable, "-c", BUILD, ROOT, out).split()[-1]
    return out / name


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """The interpreter of an environment that holds the wheel and nothing else of ours."""
    home = tmp_path_factory.mktemp("empty") / "venv"
    venv.create(home, with_pip=False, symlinks=os.name != "nt")
    interpreter = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    site = Path(run(interpreter, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    run(sys.executable, "-m", "pip", "--python", interpreter, "install", "--quiet", "--no-deps", "--no-index", wheel)
    lent = [path for path in sys.path if path.endswith("site-packages")]
    (site / "lent.pth").write_text(LEND.format(paths=lent) + "\n")
    return interpreter


def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_chapters_and_their_checks_travel_in_the_wheel(wheel):
    inside = names(wheel)
    for path in sorted((ROOT / "notebooks").glob("*/*.ipynb")) + sorted((ROOT / "notebooks/src").glob("*/*.*")):
        assert f"k8snb/notebooks/{path.relative_to(ROOT / 'notebooks').as_posix()}" in inside


def test_the_browser_halves_and_the_catalogues_travel_in_the_wheel(wheel):
    inside = names(wheel)
    for path in sorted((ROOT / "widgets").glob("*.js")) + sorted((ROOT / "widgets").glob("*.css")):
        assert f"k8snb/widgets/static/{path.name}" in inside
    assert {"k8snb/messages/en/course.toml", "k8snb/messages/ja/course.toml"} <= set(inside)


def test_nothing_but_the_product_is_in_it(wheel):
    assert {name.split("/")[0].split("-")[0] for name in names(wheel)} == {"k8snb"}
    assert [name for name in names(wheel) if "__pycache__" in name or "node_modules" in name or "/tests/" in name] == []


def test_a_learner_gets_the_chapters_from_the_wheel(python, tmp_path):
    environment = os.environ | {"JUPYTER_DATA_DIR": str(tmp_path / "jupyter"), "PYTHONPATH": ""}
    said = run(python, "-m", "k8snb.cli", "chapters", tmp_path / "course", cwd=tmp_path, env=environment)
    assert "new" in said
    expected = sorted(path.name for path in (ROOT / "notebooks/en").glob("*.ipynb"))
    assert sorted(path.name for path in (tmp_path / "course/en").iterdir()) == expected


def test_the_installed_package_is_the_one_that_runs(python, tmp_path):
    where = run(python, "-c", "import k8snb; print(k8snb.__file__)", cwd=tmp_path, env=os.environ | {"PYTHONPATH": ""})
    assert str(ROOT) not in where
    script = "from k8snb.course import exercise, kit; from k8snb.widgets.assets import asset; asset('quiz.js'); print(*exercise.all_ids())"
    assert "01." in run(python, "-c", script, cwd=tmp_path, env=os.environ | {"PYTHONPATH": ""})
