"""How every component sees the cluster: requests, informers, work queues, Events. What a learner's controller uses, too."""
