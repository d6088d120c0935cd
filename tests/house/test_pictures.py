"""The README's picture is made by the product: it is what ``cluster.graph("ownership")`` draws for the README's own commands."""

import re

from k8snb import Cluster
from tests.house.source import ROOT

PICTURE = ROOT / "notebooks/pictures/ownership.svg"


def test_the_picture_of_the_readme_is_what_the_product_draws(golden):
    cluster = Cluster(nodes=2)
    cluster.kubectl("create deployment web --image=nginx --replicas=3")
    cluster.settle()
    golden(PICTURE, cluster.graph("ownership").svg)


def test_the_readme_shows_it_with_words(golden):
    pictures = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert [(bool(words.strip()), (ROOT / path).is_file()) for words, path in pictures] == [(True, True)] * len(pictures)
    assert "notebooks/pictures/ownership.svg" in [path for _, path in pictures]
