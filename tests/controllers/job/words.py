"""Words for stories about Jobs."""

from tests.controllers.world import manifest, template

JOBS = "jobs.batch"




def job(name="work", script="exit 0", policy="Never", **spec):
    return manifest(
        "Job", name, {"template": template(name, "busybox:1.36", ["sh", "-c", script], restartPolicy=policy), **spec}, version="batch/v1"
    )


def status(cluster, name="work"):
    return cluster.get(JOBS, name)["status"]


def conditions(cluster, name="work"):
    return {c["type"]: c.get("reason") for c in status(cluster, name).get("conditions") or () if c["status"] == "True"}
