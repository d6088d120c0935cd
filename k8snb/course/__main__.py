"""``python -m k8snb.course build [--check] [NN ...]``: write the notebooks, or say which are not what their sources give."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from k8snb.course import build, files, source


def main(arguments: list[str] | None = None) -> int:
    """Build all chapters, or those numbered. With ``--check`` nothing is written; 1 where something differs."""
    parser = argparse.ArgumentParser(prog="python -m k8snb.course", description="Build the notebooks of the course from their text.")
    parser.add_argument("command", choices=["build"])
    parser.add_argument("numbers", nargs="*", metavar="NN", help="chapters by number (default: all)")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a notebook is not what its source gives")
    options = parser.parse_args(arguments)
    chosen = [folder for folder in files.sources() if not options.numbers or folder.name[:2] in options.numbers]
    different = [path for folder in chosen for path in _chapter(folder, write=not options.check)]
    return 1 if options.check and different else 0


def _chapter(folder: Path, *, write: bool) -> list[Path]:
    """Build one chapter in all its languages; the notebooks that differ from what is on disk."""
    different = []
    for language in source.languages(folder):
        path, text = build.target(folder, language), build.build(folder, language)
        same = path.exists() and path.read_text(encoding="utf-8") == text
        print(f"{'same     ' if same else 'written  ' if write else 'DIFFERENT'} {path.relative_to(files.root().parent)}", flush=True)
        if write and not same:
            path.write_text(text, encoding="utf-8", newline="\n")
        if not same:
            different.append(path)
    return different


if __name__ == "__main__":
    sys.exit(main())
