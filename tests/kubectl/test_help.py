"""Help: in the form of a real kubectl, also of groups of commands that are called bare."""

import pytest

from k8snb.cluster import Cluster
from k8snb.kubectl.help import ALL_OPTIONS, GROUPS
from k8snb.kubectl.table import COMMANDS

SET = """Configure application resources.

 These commands help you make changes to existing application resources.

Available Commands:
  env              Update environment variables on a pod template
  image            Update the image of a pod template
  resources        Update resource requests/limits on objects with pod templates
  selector         Set the selector on a resource
  serviceaccount   Update the service account of a resource
  subject          Update the user, group, or service account in a role binding or cluster role binding

Usage:
  kubectl set SUBCOMMAND [options]

Use "kubectl set <command> --help" for more information about a given command.
Use "kubectl options" for a list of global command-line options (applies to all commands).
"""
SERVICE = """Create a service using a specified subcommand.

Aliases:
service, svc

Available Commands:
  clusterip      Create a ClusterIP service
  externalname   Create an ExternalName service
  loadbalancer   Create a LoadBalancer service
  nodeport       Create a NodePort service

Usage:
  kubectl create service [flags] [options]
"""


@pytest.fixture(scope="module")
def cluster():
    return Cluster(nodes=0)


def test_a_group_that_is_called_bare_shows_its_help_as_a_real_kubectl_does(cluster):
    bare = cluster.kubectl("set")
    assert (bare.stdout, bare.exit_code) == (SET, 1)
    assert cluster.kubectl("create svc").stdout.startswith(SERVICE)
    assert cluster.kubectl("rollout").stdout.startswith("Manage the rollout of one or many resources.\n\n Valid resource types include:\n")
    assert [cluster.kubectl(group).exit_code for group in ("", "certificate", "set --help", "auth", "top", "config")] == [0, 0, 0, 1, 1, 1]


def test_create_without_anything_misses_its_file(cluster):
    assert cluster.kubectl("create").stderr == "error: must specify one of -f and -k\n"


def test_help_leads_to_the_command_as_far_as_its_words_do(cluster):
    assert cluster.kubectl("help").stdout == cluster.kubectl("").stdout == cluster.kubectl("--help").stdout
    assert cluster.kubectl("help rollout undo").stdout == cluster.kubectl("rollout undo --help").stdout
    assert cluster.kubectl("help rollout sideways").stdout == cluster.kubectl("rollout").stdout
    unknown = cluster.kubectl("help sideways")
    assert unknown.stderr.startswith("Unknown help topic [`sideways`]\n\n\nBasic Commands (Beginner):\n  create          Create a resource")


def test_kubectls_own_help_has_every_command_in_a_group():
    assert sorted(name for _, names in GROUPS for name in names) == sorted(command.name for command in COMMANDS)


def test_the_options_of_all_commands_are_listed(cluster):
    shown = cluster.kubectl("options").stdout
    assert shown.startswith("The following options can be passed to any command:\n\n    --as\n")
    assert "    -n, --namespace\n" in shown
    assert cluster.kubectl("get --help").stdout.rstrip().endswith(ALL_OPTIONS)
