"""kubectl, in process: a command line in, text out. See :mod:`k8snb.kubectl.kubectl`."""

from k8snb.kubectl.kubectl import Kubectl
from k8snb.kubectl.result import Result

__all__ = ["Kubectl", "Result"]
