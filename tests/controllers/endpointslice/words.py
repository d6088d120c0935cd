"""Words for stories about Services and where they lead."""


def service(**spec):
    """A Service over ``app: web``."""
    whole = {"selector": {"app": "web"}, "ports": [{"port": 80}], **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": whole}
