"""The product's own source files, parsed once, for the tests of the house."""

import ast
import functools
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Source:
    """One Python file: its path from the repository's top, its text and its tree."""

    name: str
    text: str
    tree: ast.Module


@functools.cache
def sources(folder: str = "k8snb") -> tuple[Source, ...]:
    """Every Python file below ``folder``, in the order of their names."""
    found = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        found.append(Source(path.relative_to(ROOT).as_posix(), text, ast.parse(text)))
    return tuple(found)


@functools.cache
def tracked() -> tuple[str, ...]:
    """Every file of the repository that git knows or would add; all files where there is no git (an unpacked sdist)."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        return tuple(path.relative_to(ROOT).as_posix() for path in sorted(ROOT.rglob("*")) if path.is_file())
    return tuple(sorted(name for name in listed.stdout.splitlines() if (ROOT / name).is_file()))
