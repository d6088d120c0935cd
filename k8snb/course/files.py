"""Where the chapters are, and how a learner gets them.

In the repository they stand in ``notebooks/`` at the top; in an installed wheel they travel inside the package. A learner
works on copies in a folder of their own, which this module fills and never overwrites:

    course/progress.json        what has been done (see :mod:`k8snb.course.progress`)
    course/en/01-why-kubernetes.ipynb ...
"""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

from k8snb.course.progress import FILE as PROGRESS
from k8snb.messages import LANGUAGES

PACKAGE = Path(__file__).resolve().parents[1]


def root() -> Path:
    """The folder ``notebooks``: of the wheel, or of the repository that this package is run from."""
    inside = PACKAGE / "notebooks"
    return inside if inside.is_dir() else PACKAGE.parent / "notebooks"


def sources() -> tuple[Path, ...]:
    """The source folders of the chapters, ``src/NN-topic``, in their order."""
    return tuple(sorted(path for path in (root() / "src").glob("[0-9][0-9]-*") if path.is_dir()))


def notebooks(language: str) -> tuple[Path, ...]:
    """The chapters of one language as notebooks, in their order."""
    return tuple(sorted((root() / language).glob("[0-9][0-9]-*.ipynb")))


def code_cells(number: str) -> tuple[str, ...]:
    """The code of a chapter, cell by cell; it is the same in every language."""
    found = next((path for path in notebooks(LANGUAGES[0]) if path.name.startswith(f"{number}-")), None)
    cells = json.loads(found.read_text(encoding="utf-8"))["cells"] if found is not None else []
    return tuple("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def put_chapters(folder: Path, language: str) -> dict[Path, bool]:
    """Copy the chapters into ``folder/language`` and trust the copies; True marks those that are new.

    A file that is there already belongs to the learner and stays as it is, also when the course has a newer one.
    """
    place = folder / language
    place.mkdir(parents=True, exist_ok=True)
    if not (folder / PROGRESS).exists():
        (folder / PROGRESS).write_text("{}\n", encoding="utf-8")
    return {place / chapter.name: _put(chapter, place / chapter.name) for chapter in notebooks(language)}


def _put(chapter: Path, target: Path) -> bool:
    if target.exists():
        return False
    import nbformat  # takes longer than everything else that a chapter's first cell imports, and only this needs it
    from nbformat.sign import NotebookNotary

    content = chapter.read_text(encoding="utf-8")
    target.write_text(content, encoding="utf-8", newline="\n")
    # Trusted, so that stored pictures show before the first run. Only what we wrote ourselves: a learner's file is their own.
    notary = NotebookNotary()
    with closing(notary.store):
        notary.sign(nbformat.reads(content, as_version=4))
    return True
