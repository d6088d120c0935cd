"""kube-scheduler: the framework and its plugins, the cache, the queue, the cycle, and the component that runs them.

    framework.py       extension points, profiles: what a plugin is             plugins/   one file a plugin, the default profile
    podinfo, nodeinfo  digests of Pod and Node; records that never change       cache.py   what is where, assumed pods included
    cycle.py           one pod, one snapshot: a node or the reasons why not     diagnosis  that answer as a value, and its sentence
    queue.py           who is next, back-off, waking                            cluster_event.py   what may wake whom
    memo.py            work that is done once for equal pods                    scheduler, watching, outcome   the component
    configuration.py   KubeSchedulerConfiguration: profiles and their plugins   plugin_args.py   what can be set about a plugin
    preemption.py      victims are evicted beside the cycles                    learner.py   plugins from a notebook's cell
    simulator.py       the filters on an imagined cluster, for an autoscaler

All but the component is pure: it can be called from a lesson or a test without any cluster.
"""
