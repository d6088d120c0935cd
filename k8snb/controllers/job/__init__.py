"""Job: run Pods until enough of them have succeeded, or until it is clear that they will not.

indexes     sets of completion indexes, and which index a Pod is for
policies    what a failed Pod means (podFailurePolicy), when enough has succeeded (successPolicy)
account     what has been observed, and how many Pods have succeeded and failed
verdict     whether the Job is over, and why
backoff     how long to wait before the next Pod
plan        what to create and delete while it is not over
tracking    finalizers and uncounted Pods: every Pod is counted once, whatever happens
controller  the loop
ttl         Jobs that are deleted some time after their end
"""
