"""From a chapter's text to the notebook that is committed: run it, keep its outputs, write the same bytes every time.

What could differ between two builds never gets in: no timing, no widget state, no random cell ids, no model ids, no version of
Python, no traceback of somebody's machine. So a rebuild without a change is no diff, and a test says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from k8snb.course import files, source
from k8snb.course.exercise import load

TIMEOUT = 60  # seconds a cell
WIDGET = "application/vnd.jupyter.widget-view+json"  # holds a random model id; the text form beside it is what is stored


def notebook(folder: Path, language: str) -> Any:
    """The chapter as a notebook without outputs."""
    cells = [_cell(cell) for cell in source.cells(folder, language)]
    metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
        "title": load(folder).words(language)["title"],
    }
    return new_notebook(cells=cells, metadata=metadata)


def _cell(cell: source.Cell) -> Any:
    make = new_code_cell if cell.kind == "code" else new_markdown_cell
    metadata: dict[str, Any] = {"tags": list(cell.tags)} if cell.tags else {}
    if cell.exercise:
        metadata["exercise"] = cell.exercise
    made = make(cell.text, metadata=metadata)
    made["id"] = cell.id
    return made


def execute(made: Any, folder: Path) -> Any:
    """Run all cells in a fresh kernel whose working directory is ``folder``; outputs are stored in the notebook.

    Raises ``nbclient.exceptions.CellExecutionError`` where a cell fails that is not tagged ``raises-exception``.
    """
    options = {"record_timing": False, "store_widget_state": False, "coalesce_streams": True, "timeout": TIMEOUT, "kernel_name": "python3"}
    NotebookClient(made, resources={"metadata": {"path": str(folder)}}, **options).execute()
    for cell in made.cells:
        if cell.cell_type == "code":
            cell.outputs = [_same_tomorrow(output) for output in cell.outputs]
            cell.metadata.pop("execution", None)
    made.metadata.language_info.pop("version", None)
    made.metadata.pop("widgets", None)
    return made


def _same_tomorrow(output: Any) -> Any:
    """The output without anything that another run would give differently."""
    if output.output_type == "error":
        output.traceback = [f"{output.ename}: {output.evalue}"]
    if "data" in output:
        output.data.pop(WIDGET, None)
    return output


def write(made: Any) -> str:
    """The bytes of a notebook: nbformat's own order of keys, one indent, a newline at the end."""
    for cell in made.cells:
        cell.metadata = dict(sorted(cell.metadata.items()))
    clean = nbformat.from_dict(made)
    clean.metadata.language_info = {key: made.metadata.language_info[key] for key in ("file_extension", "mimetype", "name")}
    return str(nbformat.writes(clean, version=4, ensure_ascii=False, sort_keys=True)).rstrip("\n") + "\n"


def build(folder: Path, language: str) -> str:
    """The text of the committed notebook of one chapter and language, outputs included."""
    target = files.root() / language
    target.mkdir(exist_ok=True)
    return write(execute(notebook(folder, language), target))


def target(folder: Path, language: str) -> Path:
    """Where that notebook is committed."""
    return files.root() / language / f"{folder.name}.ipynb"
