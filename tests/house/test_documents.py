"""What is committed says nothing about the machine that it was made on, and its documents keep their promises."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.house.source import ROOT, tracked

TEXT = {".py", ".md", ".toml", ".json", ".txt", ".cfg", ".js", ".mjs", ".ts", ".css", ".ipynb", ".yaml", ".yml", ".svg", ".sh", ""}
RECORDED = ("tests/reference/", "tests/manifests/")  # what others wrote: a real control plane's words
MACHINE = re.compile(r"(?<![\w.])/(?:home/(?!jovyan\b)\w+/|Users/\w+/|root/\w+|work/\w+|opt/\w+/\w+|tmp/\w+\.md)")
REGISTRY = re.compile(r"(?:pypi|files\.pythonhosted|registry\.npmjs|conda\.anaconda)\.(?:org|com)|(?:index|registry)-url", re.I)
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "DECISIONS.md", "CHANGELOG.md")


def ours() -> list[Path]:
    names = [name for name in tracked() if not name.startswith(RECORDED) and name != "tests/house/test_documents.py"]
    return [ROOT / name for name in names if Path(name).suffix in TEXT and name != "LICENSE"]


def matches(pattern: re.Pattern[str]) -> list[str]:
    rows = []
    for path in ours():
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if found := pattern.search(line):
                rows.append(f"{path.relative_to(ROOT)}:{number}: {found.group()}")
    return rows


def test_no_file_names_a_path_of_somebodys_machine():
    assert matches(MACHINE) == []


def test_no_file_names_a_package_registry():
    assert matches(REGISTRY) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_between_documents_lead_somewhere(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith(("http", "#"))]
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("name", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_files_that_a_document_names_exist(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    named = re.findall(r"`((?:k8snb|tests|notebooks|widgets|binder|\.ci)/[\w./-]*\w/?)`", text)
    assert sorted({path for path in named if "NN-" not in path and not (ROOT / path).exists()}) == []


def test_decisions_are_numbered_and_begin_with_an_example():
    entries = re.split(r"^## ", (ROOT / "DECISIONS.md").read_text(encoding="utf-8"), flags=re.M)[1:]
    assert [int(entry.split(".")[0]) for entry in entries] == list(range(1, len(entries) + 1))
    assert [entry.splitlines()[0] for entry in entries if not entry.split("\n", 2)[2].lstrip().startswith("```")] == []


def test_the_changelog_knows_this_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_no_large_file_slips_in():
    big = {path: (ROOT / path).stat().st_size for path in tracked() if not path.startswith(RECORDED)}
    assert {path: size for path, size in big.items() if size > 1_500_000} == {}
