"""Storage that outlives pods and nodes: CSI drivers, and the sidecars that turn a driver's calls into Kubernetes objects.

disks        a driver: disks as data, with places, limits and sizes
provisioner  claims become disks and PersistentVolumes; released ones go
attacher     VolumeAttachments become attachments
resizer      claims that ask for more get more
registrar    CSINodes: which drivers a node has, and how many volumes it takes

A driver beside these (a cloud's) is a :class:`~k8snb.seams.csi.Traits` in a table of ``simulation``, or a class of its own
behind :class:`~k8snb.seams.csi.Driver`.
"""

from k8snb.client.controller import Controller
from k8snb.storage.attacher import Attacher
from k8snb.storage.provisioner import Provisioner
from k8snb.storage.registrar import Registrar
from k8snb.storage.resizer import Resizer

SIDECARS: tuple[type[Controller], ...] = (Registrar, Provisioner, Attacher, Resizer)
