"""Descriptions of kinds that few people look at: address ranges and addresses, CSI nodes, classes of volume attributes.

Models: k8s.io/kubectl/pkg/describe/describe.go (ServiceCIDRDescriber, IPAddressDescriber, CSINodeDescriber,
VolumeAttributesClassDescriber).
"""

from __future__ import annotations

from k8snb.apimachinery.objects import dig
from k8snb.kubectl.api import Json
from k8snb.kubectl.describe.writer import Look, Writer, events_table, format_labels, labels_and_annotations, time_of


def service_cidr(obj: Json, look: Look) -> str:
    """A range of service addresses."""
    w, conditions = Writer(), dig(obj, "status.conditions") or ()
    w.field("Name", obj["metadata"]["name"])
    labels_and_annotations(w, obj)
    w.field("CIDRs", ", ".join(dig(obj, "spec.cidrs", [])))
    if conditions:
        w.line("Status:")
        w.line("Conditions:")
        w.table(
            ("Type", "Status", "LastTransitionTime", "Reason", "Message"), ("----", "------", "------------------", "------", "-------")
        )
    for one in conditions:
        w.table((one.get("type"), one.get("status"), time_of(one.get("lastTransitionTime")), one.get("reason"), one.get("message")))
    events_table(w, look.events(obj), look.now)
    return w.text()


def ip_address(obj: Json, look: Look) -> str:
    """An address that a service holds."""
    w, parent = Writer(), dig(obj, "spec.parentRef")
    w.field("Name", obj["metadata"]["name"])
    labels_and_annotations(w, obj)
    if parent:
        w.line("Parent Reference:")
        for title in ("Group", "Resource", "Namespace", "Name"):
            w.field(title, parent.get(title.lower(), ""), 1)
    events_table(w, look.events(obj), look.now)
    return w.text()


def csi_node(obj: Json, look: Look) -> str:
    """The CSI drivers of a node."""
    w, drivers = Writer(), dig(obj, "spec.drivers")
    w.field("Name", obj["metadata"]["name"])
    labels_and_annotations(w, obj)
    w.field("CreationTimestamp", time_of(obj["metadata"].get("creationTimestamp")))
    w.line("Spec:")
    if drivers is not None:
        w.line("Drivers:", 1)
    for driver in drivers or ():
        w.line(f"{driver.get('name')}:", 2)
        w.field("Node ID", driver.get("nodeID", ""), 3)
        if dig(driver, "allocatable.count") is not None:
            w.line("Allocatables:", 3)
            w.field("Count", driver["allocatable"]["count"], 4)
        if driver.get("topologyKeys") is not None:
            w.field("Topology Keys", driver["topologyKeys"], 3)
    events_table(w, look.events(obj), look.now)
    return w.text()


def volume_attributes_class(obj: Json, look: Look) -> str:
    """A class of volume attributes."""
    w = Writer()
    w.field("Name", obj["metadata"]["name"])
    w.field("Annotations", format_labels(obj["metadata"].get("annotations")))
    w.field("DriverName", obj.get("driverName", ""))
    w.field("Parameters", format_labels(obj.get("parameters")))
    events_table(w, look.events(obj), look.now)
    return w.text()
