"""Runs a chapter's cells in this process, as the kernel would: for the contract of the course."""

import contextlib
import os
from pathlib import Path

from k8snb.course import source
from k8snb.course.exercise import Chapter, Exercise
from tests.shell import fresh_shell

QUIET = open(os.devnull, "w")  # noqa: SIM115  lives as long as the process


class CellFailed(AssertionError):
    """A cell raised; the message names the cell."""


class Lesson:
    """One chapter in one shell. ``run`` gives a cell's last value."""

    def __init__(self, chapter: Chapter, folder: Path) -> None:
        self.chapter, self.folder = chapter, folder
        self.cells = [cell for cell in source.cells(chapter.folder, "en") if cell.kind == "code"]
        self._stack = contextlib.ExitStack()
        self.shell = self._stack.enter_context(fresh_shell())

    def close(self) -> None:
        """Give the shell back, so that the next lesson starts with a clean one."""
        self._stack.close()

    def run(self, name: str, code: str, *, may_fail: bool = False) -> object:
        """Run one cell in the learner's folder; what it prints is not ours to judge."""
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(QUIET), contextlib.redirect_stderr(QUIET):
            result = self.shell.run_cell(code, store_history=False)
        if not result.success and not may_fail:
            raise CellFailed(f"{self.chapter.folder.name}, cell {name}") from (result.error_in_exec or result.error_before_exec)
        return result.result

    def whole(self, solved: bool) -> dict[str, object]:
        """Run all cells in order, the exercises solved or as they are committed; the verdict of each exercise's check."""
        verdicts = {}
        for cell in self.cells:
            code = self.chapter.exercises[cell.exercise].solution if solved and cell.exercise else cell.text
            value = self.run(cell.id, code, may_fail="raises-exception" in cell.tags)
            if cell.id.startswith("check-"):
                verdicts[cell.id.removeprefix("check-")] = value
        return verdicts

    def alone(self, exercise: Exercise, code: str) -> object:
        """Run the first cell, then only the cells of one exercise with this code; what its check says."""
        wanted = {"setup", f"start-{exercise.id}", f"check-{exercise.id}"}
        value = None
        for cell in self.cells:
            if cell.exercise == exercise.id:
                self.run(cell.id, code, may_fail=True)
            elif cell.id in wanted:
                value = self.run(cell.id, cell.text)
        return value
