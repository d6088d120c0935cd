"""The kinds. One file for each, exporting ``RESOURCE``; one line for each here, and it is served.

``RESOURCES`` holds everything that a real 1.36 server serves, in its discovery order. A kind without a line in ``OWN`` is
served from data alone: typed, stored, listed and watched, without behaviour (``simulated=False``).
"""

from __future__ import annotations

from k8snb.resources.admissionregistration import (
    mutatingadmissionpolicy,
    mutatingadmissionpolicybinding,
    mutatingwebhookconfiguration,
    validatingadmissionpolicy,
    validatingadmissionpolicybinding,
    validatingwebhookconfiguration,
)
from k8snb.resources.apiextensions import customresourcedefinition
from k8snb.resources.apiregistration import apiservice
from k8snb.resources.apps import controllerrevision, daemonset, deployment, replicaset, statefulset
from k8snb.resources.autoscaling import horizontalpodautoscaler, horizontalpodautoscaler_v1
from k8snb.resources.batch import cronjob, job
from k8snb.resources.certificates import certificatesigningrequest
from k8snb.resources.coordination import lease
from k8snb.resources.core import (
    binding,
    componentstatus,
    configmap,
    endpoints,
    event,
    limitrange,
    namespace,
    persistentvolume,
    persistentvolumeclaim,
    pod,
    podtemplate,
    replicationcontroller,
    resourcequota,
    secret,
    service,
    serviceaccount,
)
from k8snb.resources.core import node as core_node  # the package `node` is another API group
from k8snb.resources.discovery import complete
from k8snb.resources.discovery_k8s_io import endpointslice
from k8snb.resources.events_k8s_io import event as new_event
from k8snb.resources.flowcontrol import flowschema, prioritylevelconfiguration
from k8snb.resources.networking import ingress, ingressclass, ipaddress, networkpolicy, servicecidr
from k8snb.resources.node import runtimeclass
from k8snb.resources.policy import poddisruptionbudget
from k8snb.resources.rbac import clusterrole, clusterrolebinding, role, rolebinding
from k8snb.resources.resource_k8s_io import deviceclass, resourceclaim, resourceclaimtemplate, resourceslice
from k8snb.resources.reviews import (
    localsubjectaccessreview,
    selfsubjectaccessreview,
    selfsubjectreview,
    selfsubjectrulesreview,
    subjectaccessreview,
    tokenreview,
)
from k8snb.resources.scheduling import priorityclass
from k8snb.resources.storage import csidriver, csinode, csistoragecapacity, storageclass, volumeattachment, volumeattributesclass

OWN = (
    binding.RESOURCE,
    componentstatus.RESOURCE,
    configmap.RESOURCE,
    endpoints.RESOURCE,
    event.RESOURCE,
    limitrange.RESOURCE,
    namespace.RESOURCE,
    core_node.RESOURCE,
    persistentvolume.RESOURCE,
    persistentvolumeclaim.RESOURCE,
    pod.RESOURCE,
    podtemplate.RESOURCE,
    replicationcontroller.RESOURCE,
    resourcequota.RESOURCE,
    secret.RESOURCE,
    service.RESOURCE,
    serviceaccount.RESOURCE,
    controllerrevision.RESOURCE,
    daemonset.RESOURCE,
    deployment.RESOURCE,
    replicaset.RESOURCE,
    statefulset.RESOURCE,
    cronjob.RESOURCE,
    job.RESOURCE,
    horizontalpodautoscaler.RESOURCE,
    horizontalpodautoscaler_v1.RESOURCE,
    ingress.RESOURCE,
    ingressclass.RESOURCE,
    ipaddress.RESOURCE,
    networkpolicy.RESOURCE,
    servicecidr.RESOURCE,
    poddisruptionbudget.RESOURCE,
    clusterrole.RESOURCE,
    clusterrolebinding.RESOURCE,
    role.RESOURCE,
    rolebinding.RESOURCE,
    csidriver.RESOURCE,
    csinode.RESOURCE,
    csistoragecapacity.RESOURCE,
    storageclass.RESOURCE,
    volumeattachment.RESOURCE,
    volumeattributesclass.RESOURCE,
    priorityclass.RESOURCE,
    lease.RESOURCE,
    runtimeclass.RESOURCE,
    endpointslice.RESOURCE,
    mutatingadmissionpolicy.RESOURCE,
    mutatingadmissionpolicybinding.RESOURCE,
    mutatingwebhookconfiguration.RESOURCE,
    validatingadmissionpolicy.RESOURCE,
    validatingadmissionpolicybinding.RESOURCE,
    validatingwebhookconfiguration.RESOURCE,
    customresourcedefinition.RESOURCE,
    apiservice.RESOURCE,
    certificatesigningrequest.RESOURCE,
    flowschema.RESOURCE,
    prioritylevelconfiguration.RESOURCE,
    deviceclass.RESOURCE,
    resourceclaim.RESOURCE,
    resourceclaimtemplate.RESOURCE,
    resourceslice.RESOURCE,
    localsubjectaccessreview.RESOURCE,
    selfsubjectaccessreview.RESOURCE,
    selfsubjectreview.RESOURCE,
    selfsubjectrulesreview.RESOURCE,
    subjectaccessreview.RESOURCE,
    tokenreview.RESOURCE,
    new_event.RESOURCE,
)

RESOURCES = complete(OWN)
