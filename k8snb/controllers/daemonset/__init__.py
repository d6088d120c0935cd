"""DaemonSet: one Pod on every node that it fits.

placement   on which nodes, and the Pod for one of them
plan        what to create and delete: the steady state, and the steps of a rolling update
controller  the loop
"""
