"""Words for stories about aggregated roles."""

ROLES = "clusterroles.rbac.authorization.k8s.io"


def role(name, rules, **labels):
    meta = {"name": name, "labels": {f"rbac.authorization.k8s.io/{key.replace('_', '-')}": "true" for key in labels}}
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": meta, "rules": rules}


def view_covers(cluster, group):
    return any(group in rule.get("apiGroups", ()) for rule in cluster.get(ROLES, "view")["rules"])
