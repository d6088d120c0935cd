"""Whether nothing was lost or half done: the one question after every mistake and every interrupt."""

from k8snb.cluster import Cluster
from k8snb.sim.state import digest


def whole(cluster: Cluster) -> bool:
    """Whether a fork, and a replay of everything since the first moment, are the same as the cluster."""
    was, here = digest(cluster.simulation.root), cluster.simulation.position
    other = cluster.fork()
    assert digest(other.simulation.root) == was
    other.simulation.history.checkpoints = other.simulation.history.checkpoints[:1]
    other.rewind(here)
    return digest(other.simulation.root) == was
