"""What a learner has done: a small JSON file at the top of the course folder.

    {"10.bad-revision": "passed", "10.surge": "tried"}

Plain and visible, not in a dot-folder: JupyterLab's contents API does not show hidden files, and a learner may look at it,
copy it to another machine or delete it. It is written only where it already exists: ``k8snb lab`` puts it there. So a
chapter that is run elsewhere (a test, a preview) leaves nothing behind and remembers for as long as its kernel lives.
"""

from __future__ import annotations

import json
from pathlib import Path

FILE = "progress.json"
TRIED, PASSED = "tried", "passed"


class Progress:
    """The exercises that were tried and passed; ``start`` is the folder in which the search for the file begins."""

    def __init__(self, start: Path | None = None) -> None:
        here = (start or Path.cwd()).resolve()
        self.file = next((folder / FILE for folder in (here, *here.parents[:2]) if (folder / FILE).is_file()), None)
        self.states = self._read()

    def _read(self) -> dict[str, str]:
        """What the file says; a file that cannot be read counts as empty, for progress must never stop a lesson."""
        try:
            found = json.loads(self.file.read_text(encoding="utf-8")) if self.file else {}
        except (OSError, ValueError):
            return {}
        return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}

    def note(self, exercise: str, *, passed: bool) -> None:
        """Remember an attempt. What has been passed once stays passed."""
        state = PASSED if passed or self.states.get(exercise) == PASSED else TRIED
        if self.states.get(exercise) == state:
            return
        self.states = self._read() | self.states | {exercise: state}  # another chapter may have written meanwhile
        self._write()

    def _write(self) -> None:
        if self.file is None:
            return
        try:
            self.file.write_text(json.dumps(self.states, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        except OSError:
            self.file = None  # a read-only folder: remember in memory

    def passed(self) -> tuple[str, ...]:
        """The ids of the exercises that were passed, sorted."""
        return tuple(sorted(key for key, state in self.states.items() if state == PASSED))

    def __repr__(self) -> str:
        return f"<Progress {len(self.passed())} passed, {len(self.states) - len(self.passed())} tried>"
