"""Words for stories about CronJobs."""

from tests.controllers.world import manifest, template

CRONS, JOBS = "cronjobs.batch", "jobs.batch"




def cron(schedule="* * * * *", seconds=5, **spec):
    job = {"spec": {"template": template("tick", "busybox:1.36", ["sleep", str(seconds)], restartPolicy="Never")}}
    return manifest("CronJob", "tick", {"schedule": schedule, "jobTemplate": job, **spec}, version="batch/v1")
