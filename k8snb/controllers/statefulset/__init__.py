"""StatefulSet: Pods with names, numbers and claims of their own, made and unmade in order.

identity    which Pod is number N, and the Pod for a number
claims      the PersistentVolumeClaims of each Pod, and who owns them (retention policy)
plan        what to create and delete: one by one, or all at once; the steps of a rolling update
controller  the loop
"""
