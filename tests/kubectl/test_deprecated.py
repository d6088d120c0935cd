"""Flags that kubectl is about to forget: they say so and still do what they did. And what autoscale takes and refuses."""

import pytest

from k8snb.cluster import Cluster

RECORD = "Flag --record has been deprecated, --record will be removed in the future\n"
PERCENT = (
    "Flag --cpu-percent has been deprecated, "
    "Use --cpu with percentage or resource quantity format (e.g., '70%' for utilization or '500m' for milliCPU).\n"
)
CAUSE = r"get deployment web -o jsonpath='{.metadata.annotations.kubernetes\.io/change-cause}'"


@pytest.fixture
def kubectl():
    cluster = Cluster(nodes=1)
    cluster.settle()

    def run(line):
        done = cluster.kubectl(line)
        return done.stdout + done.stderr

    run("create deployment web --image=nginx:1.25")
    cluster.settle()
    return run


@pytest.mark.parametrize(
    ("command", "cause"),
    [
        ("set image deployment/web nginx=nginx:1.27 --record", "kubectl set image deployment/web nginx=nginx:1.27 --record=true"),
        ("scale deployment web --replicas=2 --record", "kubectl scale deployment web --replicas=2 --record=true"),
        ("annotate deployment web a=b --record", "kubectl annotate deployment web a=b --record=true"),
        ("label -n default deployment web a=b --record=true", "kubectl label deployment web a=b --namespace=default --record=true"),
        ('patch deployment web -p {"spec":{"paused":true}} --record', None),
    ],
)
def test_record_writes_the_command_down_as_the_cause(kubectl, command, cause):
    quoted = command.replace('{"spec":{"paused":true}}', '\'{"spec":{"paused":true}}\'')
    assert RECORD in kubectl(quoted)
    assert kubectl(CAUSE) == (cause or 'kubectl patch deployment web --patch={"spec":{"paused":true}} --record=true')


def test_the_history_of_a_rollout_shows_the_cause(kubectl):
    kubectl("set image deployment/web nginx=nginx:1.27 --record")
    kubectl("rollout status deployment/web")
    assert "2         kubectl set image deployment/web nginx=nginx:1.27 --record=true" in kubectl("rollout history deployment/web")


def test_autoscale_takes_shares_amounts_and_bare_numbers(kubectl):
    target = "get hpa {} -o jsonpath={{.spec.metrics[*].resource.target}}"
    assert PERCENT in kubectl("autoscale deployment web --max=3 --cpu-percent=60 --name=a")
    assert '"averageUtilization":60' in kubectl(target.format("a"))
    kubectl("autoscale deployment web --max=3 --cpu=500 --memory=512 --name=b")
    assert kubectl(target.format("b")) == ('{"averageValue":"500m","type":"AverageValue"} {"averageValue":"512Mi","type":"AverageValue"}')


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ("--cpu=50% --cpu-percent=50", "error: --cpu-percent and --cpu are mutually exclusive\n"),
        ("--cpu=x%", "error: invalid percentage value: x\n"),
        ("--memory=much", "error: invalid resource memory value: much\n"),
        ("--cpu=50%", 'Error from server (AlreadyExists): horizontalpodautoscalers.autoscaling "web" already exists\n'),
        ("", "error: failed to create autoscaling/v2 HPA and the configuration is incompatible with autoscaling/v1: empty input\n"),
    ],
)
def test_autoscale_refuses_in_kubectls_words(kubectl, flags, says):
    kubectl("autoscale deployment web --max=3 --cpu=50%")
    assert kubectl(f"autoscale deployment web --max=3 {flags}").removeprefix(PERCENT) == says
