"""A kubectl beside a small cluster, for the stories of this folder."""

from __future__ import annotations

from k8snb.cluster import Cluster
from k8snb.kubectl import Kubectl, Result
from k8snb.kubectl.host import SimulatedHost


class Shell:
    """Runs command lines; ``ok`` insists on success and gives standard output, ``fails`` insists on failure and gives standard error."""

    def __init__(self, nodes: int = 2, runtime: str = "hollow"):
        self.cluster = Cluster(nodes=nodes, runtime=runtime, loud=False)
        self.kubectl = Kubectl(self.cluster.send, SimulatedHost(self.cluster.simulation))

    def run(self, line: str, stdin: str | None = None, **files: str) -> Result:
        return self.kubectl.run(line, stdin, {name.replace("__", "."): text for name, text in files.items()})

    def ok(self, line: str, stdin: str | None = None) -> str:
        done = self.run(line, stdin)
        assert done.exit_code == 0, done.text
        return done.stdout

    def fails(self, line: str, stdin: str | None = None) -> str:
        done = self.run(line, stdin)
        assert done.exit_code != 0, done.text
        return done.stderr
