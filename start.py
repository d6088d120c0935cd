"""Set up k8snb and open the course, or run its tests, with nothing but Python 3.11 or newer.

    python3 start.py                   set up, put the chapters into the folder `course`, open JupyterLab on the first
    python3 start.py --language ja     the same in Japanese, when there are chapters in it; what follows goes to `k8snb lab`,
    python3 start.py -- --port 8899    and what follows `--` to JupyterLab
    python3 start.py test              set up with the test tools, run every test; what follows goes to pytest

It makes a virtual environment in `.venv` beside this file (or where K8SNB_VENV says) and installs into that; delete the
folder to start afresh. Nothing is installed anywhere else. On Windows the command is `py start.py`.
"""

import compileall
import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOME = Path(os.environ.get("K8SNB_VENV") or HERE / ".venv")
PYTHON = HOME / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
OLDEST = (3, 11)


def install(what: str) -> None:
    """Put the project, as ``what``, into the environment; again only when its dependencies have changed."""
    mark = HOME / f"installed-{'test' if 'test' in what else 'course'}"
    wanted = hashlib.sha256((HERE / "pyproject.toml").read_bytes()).hexdigest()
    if mark.exists() and mark.read_text() == wanted:
        return
    if not PYTHON.exists():
        print(f"Making a virtual environment in {HOME} ...", flush=True)
        venv.create(HOME, with_pip=True)
    print("Installing k8snb and what it needs (about a minute, once) ...", flush=True)
    subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-e", what], cwd=HERE, check=True)
    compileall.compile_dir(HERE / "k8snb", quiet=2)  # else the first cell of the first chapter would do it
    mark.write_text(wanted)


def main(arguments: list[str]) -> int:
    """Install, then hand over to the command; its exit code is ours."""
    if sys.version_info < OLDEST:
        print(f"k8snb needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {sys.version.split()[0]}")
        return 1
    testing = arguments[:1] == ["test"]
    try:
        install(".[test]" if testing else ".")
        command = ["pytest", "-n", "auto", *arguments[1:]] if testing else ["k8snb.cli", "lab", *arguments]
        return subprocess.run([PYTHON, "-m", *command], cwd=HERE, check=False).returncode
    except subprocess.CalledProcessError as error:
        print("The installation did not work; what pip said stands above.")
        return error.returncode
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
