"""Functions stay under 50 lines and files under 500; what is over stands in a list that can only shrink.

Run it with ``-s`` to read the medians.
"""

import ast
import json
import statistics

from tests.house.source import ROOT, Source, sources

FUNCTION, FILE = 50, 500
ALLOWED = json.loads((ROOT / "tests/house/size_allowed.json").read_text())


def functions(source: Source) -> dict[str, int]:
    """Length of each function without its docstring, by ``file:Class.function``."""
    found: dict[str, int] = {}

    def visit(node: ast.AST, path: str) -> None:
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                visit(child, path)
                continue
            name = f"{path}.{child.name}" if path else child.name
            if not isinstance(child, ast.ClassDef):
                found[f"{source.name}:{name}"] = length(child)
            visit(child, name)

    visit(source.tree, "")
    return found


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function, clean=False) is not None:
        lines -= function.body[0].end_lineno - function.body[0].lineno + 1
    return lines


def over(sizes: dict[str, int], limit: int) -> dict[str, int]:
    return {name: size for name, size in sorted(sizes.items()) if size > limit}


def function_sizes() -> dict[str, int]:
    return {name: size for source in sources() for name, size in functions(source).items()}


def file_sizes() -> dict[str, int]:
    return {source.name: len(source.text.splitlines()) for source in sources()}


def grown(found: dict[str, int], allowed: dict[str, int]) -> dict[str, int]:
    return {name: size for name, size in found.items() if size > allowed.get(name, 0)}


def test_functions_are_short():
    found = over(function_sizes(), FUNCTION)
    assert grown(found, ALLOWED["functions"]) == {}, "split these functions"
    assert sorted(ALLOWED["functions"]) == sorted(found), "shorter now: take them off tests/house/size_allowed.json"


def test_files_are_short():
    found = over(file_sizes(), FILE)
    assert grown(found, ALLOWED["files"]) == {}, "split these files"
    assert sorted(ALLOWED["files"]) == sorted(found), "shorter now: take them off tests/house/size_allowed.json"


def test_the_medians_are_small(capsys):
    lengths, files = sorted(function_sizes().values()), sorted(size for size in file_sizes().values() if size)
    p95 = lengths[int(len(lengths) * 0.95)]
    with capsys.disabled():
        print(f"\n{len(lengths)} functions: median {statistics.median(lengths):g} lines, 95th percentile {p95};", end=" ")
        print(f"{len(files)} files: median {statistics.median(files):g} lines, longest {files[-1]}", end=" ")
    assert statistics.median(lengths) <= 8
    assert p95 <= 40
