"""The table of commands, in the order in which ``kubectl --help`` lists them. A new command: one file in ``commands``, one row here."""

from __future__ import annotations

from k8snb.kubectl.call import Command
from k8snb.kubectl.commands import (
    apply,
    attach,
    auth,
    config,
    create,
    debug,
    delete,
    describe,
    diff,
    events,
    explain,
    get,
    info,
    metadata,
    modify,
    nodes,
    pods,
    refused,
    rollout,
    run,
    top,
    wait,
)
from k8snb.kubectl.commands import set as set_command

COMMANDS: tuple[Command, ...] = (
    create.COMMAND, run.EXPOSE, run.RUN, set_command.COMMAND, explain.COMMAND, get.COMMAND, delete.COMMAND,
    rollout.COMMAND, modify.SCALE, run.AUTOSCALE,
    auth.CERTIFICATE, info.CLUSTER_INFO, top.COMMAND, nodes.CORDON, nodes.UNCORDON, nodes.DRAIN, nodes.TAINT,
    describe.COMMAND, pods.LOGS, attach.ATTACH, attach.EXEC, attach.PORT_FORWARD, attach.CP, auth.AUTH, debug.COMMAND, events.COMMAND,
    diff.COMMAND, apply.COMMAND, modify.PATCH, modify.REPLACE, wait.COMMAND,
    metadata.LABEL, metadata.ANNOTATE,
    info.API_RESOURCES, info.API_VERSIONS, config.COMMAND, info.VERSION_COMMAND, *refused.COMMANDS,
)  # fmt: skip
