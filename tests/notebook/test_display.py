"""Texts in a notebook: tables scroll, sentences wrap below their column."""

import re
from html import unescape

import pytest

from k8snb import Cluster
from k8snb.notebook.display import as_terminal
from tests.shell import fresh_shell

CONFLICT = (
    'Error from server (Conflict): Operation cannot be fulfilled on configmaps "prices": the object has been modified; '
    "please apply your changes to the latest version and try again"
)
NODES = "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: 3 No preemption victims found."


class Text:
    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


def wrapped(text):
    """The lines that wrap, and the column in which each begins again where there is room."""
    html = as_terminal(Text(text))
    found = re.findall(r'padding-left: (\d+)ch[^>]*>([^<]*)(?:<span style="[^"]*">([^<]*)</span>)?</span>', html)
    return [(unescape(start + rest).rstrip("\n"), len(unescape(start)) if rest else int(at)) for at, start, rest in found]


def test_what_a_server_refuses_is_read_to_its_end():
    assert wrapped(f"{CONFLICT}\nline 7 of this cell") == [(CONFLICT, 2)]


def test_two_blanks_in_a_sentence_make_no_column():
    label = "labels: Invalid value: \"Team Blue\": a valid label must be empty (e.g. 'MyValue',  or 'my_value',  or '12345')"
    assert wrapped(f'Error from server (Invalid): Pod "report" is invalid: {label}') == [
        (f'Error from server (Invalid): Pod "report" is invalid: {label}', 2)
    ]


def test_the_last_column_of_a_table_wraps_below_itself():
    row = f"Warning   FailedScheduling   {NODES}"
    assert wrapped(f"TYPE      REASON             MESSAGE\n{row}") == [(row, 29)]


def test_one_long_value_wraps_for_it_has_no_columns():
    spec = '{"accessModes":["ReadWriteOnce"],"capacity":{"storage":"1Gi"},"claimRef":{"apiVersion":"v1","kind":"PersistentVolumeClaim"}}'
    assert wrapped(f"spec:\n      {spec}") == [(f"      {spec}", 6)]


def test_a_short_sentence_wraps_where_the_columns_before_it_take_the_room():
    row = "6s (x2 over 6s)   Normal   WaitForFirstConsumer   PersistentVolumeClaim/notes   waiting for first consumer to be created"
    assert wrapped(row) == [(row, row.index("waiting"))]


def test_a_sentence_far_to_the_right_still_has_room():
    assert wrapped(" " * 90 + NODES) == [(" " * 90 + NODES, 90)]
    assert "width: min(100%, max(100% - 91ch, (114ch - 100%) * 9999))" in as_terminal(Text(" " * 90 + NODES))


def test_where_one_row_has_a_sentence_the_others_wrap_with_it():
    head = "LAST SEEN   TYPE     REASON      OBJECT                     MESSAGE"
    short = "4s          Normal   Scheduled   pod/web-q984kws82k-5l9b5   Successfully assigned default/web-q984kws82k-5l9b5 to node-2"
    long = f"3s          Normal   Pulled      pod/web-q984kws82k-5l9b5   {NODES}"
    column = head.index("MESSAGE")
    assert wrapped(f"{head}\n{short}\n{long}") == [(head, column), (short, column), (long, column)]
    assert wrapped(f"{head}\n{short}") == []


@pytest.mark.parametrize(
    "line",
    [
        "web-q984kws82k-5lddq   1/1     Running   0          5s    10.244.0.3   node-1   <none>           <none>",
        "prices   1/1   Running   0   4s   app=prices,topology.kubernetes.io/region=here,topology.kubernetes.io/zone=here-1",
        "  because    kube-controller-manager/deployment  create  replicasets.apps default/web-q984kws82k",
        "deployment.apps/web created",
        "",
    ],
)
def test_columns_and_short_lines_stay_as_they_are(line):
    assert wrapped(line) == []


def test_the_words_are_the_same_where_a_page_strips_the_style():
    text = f"{CONFLICT}\n<b>\n\n{CONFLICT}"
    assert unescape(re.sub(r"<[^>]+>", "", as_terminal(Text(text)))) == text


def test_what_a_scheduler_and_a_controller_say_of_themselves_wraps_between_words():
    with fresh_shell() as shell:
        shell.run_line_magic("load_ext", "k8snb")
        cluster = Cluster(nodes=0)
        cluster.kubectl("run alone --image=nginx")
        cluster.settle()
        shown = [cluster.scheduler, cluster.scheduler.queue, cluster.scheduler.queue[0], cluster.controllers, cluster.controllers["job"]]
        for one in shown:
            data, _ = shell.display_formatter.format(one)
            assert unescape(re.sub(r"<[^>]+>", "", data["text/html"])) == repr(one)
