"""Columns stay columns in every language: a Japanese letter takes two."""

import pytest

from k8snb.cluster import Cluster
from k8snb.messages import LANGUAGES, set_language
from k8snb.messages.columns import columns, padded


@pytest.fixture(params=LANGUAGES)
def language(request):
    set_language(request.param)
    yield request.param
    set_language(LANGUAGES[0])


def starts(lines, word):
    """The columns in which a word stands."""
    return {columns(line[: line.index(word)]) for line in lines if word in line}


def test_wide_letters_count_twice_and_marks_not_at_all():
    assert [columns(text) for text in ("pod", "ポッド", "e\u0301")] == [3, 6, 1]
    assert padded("理由", 6) == "理由  "
    assert padded("toolong", 3) == "toolong"


def test_what_a_step_wrote_stands_below_itself(language):
    cluster = Cluster(nodes=1)
    cluster.kubectl("create deployment web --image=nginx --replicas=3")
    said = repr(cluster.step()).splitlines()
    assert len([line for line in said if "deployments.apps/status" in line]) == 2
    assert len(starts(said, "update  deployments.apps/status") | starts(said, "create  replicasets.apps")) == 1


def test_the_tables_of_the_cloud_line_up(language):
    head, *rows = repr(Cluster(nodes=2, cloud="aks").cloud.instances).splitlines()
    last = columns(head[: head.rindex("   ")]) + 3
    assert {columns(row[: row.rindex("   ")]) + 3 for row in rows} == {last}
