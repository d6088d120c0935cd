"""Cells that are run before those above them."""

import pytest

from k8snb.course.files import code_cells, sources
from k8snb.messages import set_language
from k8snb.notebook import order
from k8snb.notebook.order import made
from tests.shell import fresh_shell

SETUP = "%load_ext k8snb\nfrom k8snb import Cluster\nfrom k8snb.course import begin, check, start\nbegin('10', language='{}')"
SAID = "This cell uses cluster, which a cell above makes. Run the chapter's cells from the top, then this one again."


@pytest.fixture
def shell():
    with fresh_shell() as made_shell:
        made_shell.run_cell(SETUP.format("en"), store_history=True)
        yield made_shell
    order.lesson(tuple)
    set_language("en")


def shown(shell, capsys, cell):
    """What a cell shows, and what Python knows of its error."""
    capsys.readouterr()
    result = shell.run_cell(cell, store_history=True)
    return capsys.readouterr().out, result.error_in_exec


def test_a_name_that_a_cell_above_makes_is_told_below_pythons_own_words(shell, capsys):
    said, error = shown(shell, capsys, "\ncluster.settle()")
    assert said == f"NameError: name 'cluster' is not defined\n  cluster.settle()\n{SAID}\n"
    assert isinstance(error, NameError)


def test_it_is_told_in_the_language_of_the_chapter(shell, capsys):
    shown(shell, capsys, SETUP.format("ja"))
    assert "章のセルを上から順に実行し" in shown(shell, capsys, "cluster.settle()")[0]


def test_a_name_that_no_cell_makes_looks_as_always(shell, capsys):
    said, _ = shown(shell, capsys, "price = 3 * zebra")
    assert said.rstrip().endswith("NameError: name 'zebra' is not defined")
    assert "Traceback" in said


def test_a_misspelt_name_is_told_with_the_one_that_is_meant(shell, capsys):
    said, error = shown(shell, capsys, "cluster = Clus_ter(nodes=1)")
    assert "Traceback" in said
    assert said.rstrip().endswith("NameError: name 'Clus_ter' is not defined\nIs Cluster meant?")
    assert isinstance(error, NameError)
    shown(shell, capsys, "class TeamLabel: pass")
    assert "Is TeamLabel meant?" in shown(shell, capsys, "TeamLable()")[0]
    assert "meant" not in shown(shell, capsys, "def inner():\n    return k8snb_no_such\ninner()")[0]


def test_nobody_is_sent_upwards_for_what_a_cell_below_makes(shell, capsys):
    order.lesson(lambda: ("print(late)", "late = 1"))
    assert "Traceback" in shown(shell, capsys, "print(late)")[0]
    assert "which a cell above makes" in shown(shell, capsys, "print(late + 1)")[0]


def test_once_the_cell_above_has_run_there_is_nothing_to_tell(shell, capsys):
    shown(shell, capsys, "cluster = Cluster(nodes=1)")
    assert shown(shell, capsys, "assert cluster.settle()")[1] is None


def test_whoever_was_asked_for_exceptions_before_is_not_replaced():
    with fresh_shell() as other:
        other.set_custom_exc((ZeroDivisionError,), lambda *_: None)
        other.run_line_magic("load_ext", "k8snb")
        assert other.custom_exceptions == (ZeroDivisionError,)
        other.run_line_magic("unload_ext", "k8snb")
        assert other.custom_exceptions == (ZeroDivisionError,)


def test_without_the_extension_ipython_shows_its_own(shell, capsys):
    shell.run_line_magic("unload_ext", "k8snb")
    assert "Traceback" in shown(shell, capsys, "cluster.settle()")[0]


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("a = b.c = 1\nd, (e, *f) = g", {"a", "d", "e", "f"}),
        ("import os.path, sys as s\nfrom a import b as c", {"os", "s", "c"}),
        ("def f(x):\n    y = x\nclass C:\n    z = 1", {"f", "C"}),
        ("for i in n:\n    if (w := i):\n        t = [q for q in w]", {"i", "w", "t"}),
        ("with open(p) as o: pass\nx: int = 1\nv += 1", {"o", "x", "v"}),
        ("%kubectl get pods\np = %kubectl get nodes", {"p"}),
        ("%%manifest\nkind: Pod", set()),
        ("this is no code", set()),
    ],
)
def test_what_a_cell_makes(cell, names):
    assert made(cell) == names


def test_every_chapter_can_be_read():
    for folder in sources():
        cells = code_cells(folder.name[:2])
        assert "%load_ext k8snb" in cells[0]
        assert any("cluster" in made(cell) for cell in cells), folder
    assert code_cells("99") == ()
