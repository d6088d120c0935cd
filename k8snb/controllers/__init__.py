"""The controllers of kube-controller-manager: one file each, one line each in ``CONTROLLERS`` (:mod:`.registry`)."""
