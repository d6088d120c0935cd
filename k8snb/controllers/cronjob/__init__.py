"""CronJob: a Job at certain times.

schedule    when the last run should have been, when the next one is, and whether to start one now
controller  the loop
"""
