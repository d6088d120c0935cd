"""Words for stories about the hint that nodes carry."""

HINT = "node.alpha.kubernetes.io/ttl"


def hints(cluster):
    """The hints of all nodes."""
    return [(node["metadata"].get("annotations") or {}).get(HINT) for node in cluster.get("nodes")]
