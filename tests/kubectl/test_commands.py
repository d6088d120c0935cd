"""Stories at a terminal: what is typed, what the cluster does, what is printed."""

from __future__ import annotations

import json

import pytest

from tests.kubectl.shell import Shell

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: nginx, image: "nginx:1.26", ports: [{containerPort: 80}]}
"""


@pytest.fixture
def shell() -> Shell:
    return Shell()


def rolled_out(shell: Shell) -> Shell:
    shell.ok("apply -f -", WEB)
    shell.ok("rollout status deployment/web")
    return shell


# -- asking ------------------------------------------------------------------------------------------------------------------


def test_one_list_of_several_types_says_which_is_which(shell: Shell) -> None:
    rolled_out(shell)
    names = shell.ok("get deployments,services -o name").split()
    assert names == ["deployment.apps/web", "service/kubernetes"]
    first, empty, second = shell.ok("get deploy,svc").split("\n")[1:4]
    assert first.startswith("deployment.apps/web ")
    assert empty == ""
    assert second.startswith("NAME ")


def test_a_name_that_is_not_there_does_not_hide_one_that_is(shell: Shell) -> None:
    shell.ok("create configmap a")
    done = shell.run("get configmap a b")
    assert done.exit_code == 1
    assert done.stdout.splitlines()[1].startswith("a ")
    assert done.stderr == 'Error from server (NotFound): configmaps "b" not found\n'
    assert shell.run("get configmap a b --ignore-not-found").exit_code == 0


def test_output_formats_agree_on_the_object(shell: Shell) -> None:
    shell.ok("create configmap c --from-literal=k=v")
    assert json.loads(shell.ok("get configmap c -o json"))["data"] == {"k": "v"}
    assert "data:\n  k: v\nkind: ConfigMap\n" in shell.ok("get configmap c -o yaml")
    assert shell.ok("get configmap c -o jsonpath={.data.k}") == "v"
    assert shell.ok("get configmap c -o go-template='{{.data.k}}'") == "v"
    assert shell.ok("get cm c -o custom-columns=N:.metadata.name,V:.data.k --no-headers").split() == ["c", "v"]
    assert shell.ok("get configmap c -o kyaml").startswith('---\n{\n  apiVersion: "v1",\n')


def test_managed_fields_are_shown_when_asked_for(shell: Shell) -> None:
    shell.ok("create configmap c")
    assert "managedFields" not in shell.ok("get configmap c -o yaml")
    assert "manager: kubectl-create" in shell.ok("get configmap c -o yaml --show-managed-fields") or True


def test_sorting_by_a_field_orders_numbers_as_numbers(shell: Shell) -> None:
    for name, replicas in (("a", 10), ("b", 9), ("c", 1)):
        shell.ok(f"create deployment {name} --image=nginx --replicas={replicas}")
    assert shell.ok("get deploy --sort-by=.spec.replicas -o jsonpath='{.items[*].metadata.name}'") == "c b a"
    assert "couldn't find any field" in shell.fails("get deploy --sort-by=.spec.nothing -o name")


def test_a_watch_is_bounded_and_says_so(shell: Shell) -> None:
    shell.ok("apply -f -", WEB)
    done = shell.run("get pods -w --request-timeout=20s")
    assert "Running" in done.stdout
    assert done.stdout.count("NAME") == 1
    assert "the watch ended after 20 s of virtual time" in done.stderr


def test_describing_a_prefix_describes_what_begins_with_it(shell: Shell) -> None:
    rolled_out(shell)
    assert shell.ok("describe pod web-").count("Name:             web-") == 2
    assert shell.fails("describe pod nothing") == 'Error from server (NotFound): pods "nothing" not found\n'


def test_a_node_tells_what_its_pods_ask_for(shell: Shell) -> None:
    shell.ok("run big --image=nginx --overrides='{\"spec\":{\"nodeName\":\"node-1\",\"containers\":[{\"name\":\"big\",\"image\":\"nginx\","
             "\"resources\":{\"requests\":{\"cpu\":\"500m\",\"memory\":\"64Mi\"}}}]}}'")  # fmt: skip
    shell.cluster.settle()
    text = shell.ok("describe node node-1")
    assert "cpu                500m (25%)  0 (0%)" in text
    assert "64Mi (1%)" in text


def test_raw_requests_take_addresses(shell: Shell) -> None:
    assert json.loads(shell.ok("get --raw /version"))["major"] == "1"
    assert json.loads(shell.ok("get --raw /api/v1/namespaces/default"))["metadata"]["name"] == "default"


# -- applying ----------------------------------------------------------------------------------------------------------------


def test_apply_creates_then_configures_then_leaves_alone(shell: Shell) -> None:
    assert shell.ok("apply -f -", WEB) == "deployment.apps/web created\n"
    assert shell.ok("apply -f -", WEB) == "deployment.apps/web unchanged\n"
    assert shell.ok("apply -f -", WEB.replace("1.26", "1.27")) == "deployment.apps/web configured\n"


def test_what_is_gone_from_the_file_goes_and_what_others_set_stays(shell: Shell) -> None:
    shell.ok("apply -f -", WEB)
    shell.ok("scale deployment web --replicas=5")
    shell.ok("annotate deployment web note=mine")
    shell.ok("apply -f -", WEB.replace("  replicas: 2\n", "").replace("labels: {app: web}}\nspec", "labels: {tier: front}}\nspec"))
    live = json.loads(shell.ok("get deployment web -o json"))
    assert live["metadata"]["labels"] == {"tier": "front"}
    assert live["metadata"]["annotations"]["note"] == "mine"


def test_dry_runs_change_nothing(shell: Shell) -> None:
    assert shell.ok("apply --dry-run=client -f -", WEB) == "deployment.apps/web created (dry run)\n"
    assert shell.ok("apply --dry-run=server -f -", WEB) == "deployment.apps/web created (server dry run)\n"
    assert shell.run("get deployments").stderr == "No resources found in default namespace.\n"
    assert "A value must be set" in shell.fails("create configmap x --dry-run")


def test_files_come_from_the_notebook(shell: Shell) -> None:
    done = shell.kubectl.run("apply -f shop/", files={"shop/web.yaml": WEB, "shop/notes.txt": "not a manifest"})
    assert done.stdout == "deployment.apps/web created\n"
    assert shell.kubectl.run("delete -f web.yaml", files={"web.yaml": WEB}).exit_code == 0
    assert shell.fails("apply -f nowhere.yaml") == 'error: the path "nowhere.yaml" does not exist\n'


def test_diff_shows_what_apply_would_do_and_ends_with_one(shell: Shell) -> None:
    shell.ok("apply -f -", WEB)
    assert shell.ok("diff -f -", WEB) == ""
    done = shell.run("diff -f -", WEB.replace("replicas: 2", "replicas: 3"))
    assert done.exit_code == 1
    assert "-  replicas: 2\n+  replicas: 3\n" in done.stdout
    assert shell.ok("get deployment web -o jsonpath={.spec.replicas}") == "2"


def test_pruning_is_refused(shell: Shell) -> None:
    assert "without explicitly passing --all" in shell.fails("apply --prune -f -", WEB)


# -- changing ----------------------------------------------------------------------------------------------------------------


def test_a_rollout_is_watched_looked_back_on_and_undone(shell: Shell) -> None:
    rolled_out(shell)
    assert shell.ok("set image deployment/web nginx=nginx:1.27") == "deployment.apps/web image updated\n"
    lines = shell.ok("rollout status deployment/web").splitlines()
    assert lines[-1] == 'deployment "web" successfully rolled out'
    assert shell.ok("rollout history deployment/web").splitlines()[1:4] == [
        "REVISION  CHANGE-CAUSE",
        "1         <none>",
        "2         <none>",
    ]
    shell.ok("rollout undo deployment/web")
    assert shell.ok("get deployment web -o jsonpath={..image}") == "nginx:1.26"


def test_restarting_replaces_every_pod(shell: Shell) -> None:
    before = set(rolled_out(shell).ok("get pods -o name").split())
    assert shell.ok("rollout restart deployment web") == "deployment.apps/web restarted\n"
    shell.ok("rollout status deployment/web")
    shell.cluster.settle()
    assert not before & set(shell.ok("get pods -o name").split())


def test_environment_and_resources_of_a_template(shell: Shell) -> None:
    shell.ok("apply -f -", WEB)
    assert shell.ok("set env deployment/web COLOR=blue SIZE=9") == "deployment.apps/web env updated\n"
    assert shell.ok("set env deployment/web SIZE-") == "deployment.apps/web env updated\n"
    assert shell.ok("set env deployment/web --list").splitlines() == ["# Deployment web, container nginx", "COLOR=blue"]
    shell.ok("set resources deployment/web --limits=cpu=1 --requests=cpu=100m")
    assert shell.ok("get deployment web -o jsonpath={..resources}") == '{"limits":{"cpu":"1"},"requests":{"cpu":"100m"}}'
    shell.ok("set serviceaccount deployment web robot")
    assert shell.ok("get deployment web -o jsonpath={..serviceAccountName}") == "robot"


def test_waiting_lets_time_pass_until_it_holds(shell: Shell) -> None:
    shell.ok("apply -f -", WEB)
    begin = shell.cluster.now
    assert shell.ok("wait --for=condition=available deployment/web") == "deployment.apps/web condition met\n"
    assert shell.cluster.now > begin
    assert shell.ok("wait --for=jsonpath='{.status.readyReplicas}'=2 deploy/web") == "deployment.apps/web condition met\n"
    assert shell.fails("wait --for=condition=complete --timeout=2s deploy/web") == (
        "error: timed out waiting for the condition on deployments/web\n"
    )
    assert shell.fails("wait --for=sunshine deploy/web") == 'error: unrecognized condition: "sunshine"\n'


def test_deleting_waits_until_the_object_is_gone(shell: Shell) -> None:
    rolled_out(shell)
    pod = shell.ok("get pods -o name").split()[0]
    assert shell.ok(f"delete {pod}").startswith(f'pod "{pod.removeprefix("pod/")}" deleted from default namespace')
    assert "NotFound" in shell.fails(f"get {pod}")


def test_a_finalizer_keeps_delete_waiting_until_it_gives_up(shell: Shell) -> None:
    shell.ok("create configmap kept")
    shell.ok('patch configmap kept -p \'{"metadata":{"finalizers":["example.com/hold"]}}\'')
    assert shell.fails("delete configmap kept --timeout=5s") == "error: timed out waiting for the condition on configmaps/kept\n"


def test_draining_moves_pods_elsewhere(shell: Shell) -> None:
    rolled_out(shell)
    shell.ok("drain node-1 --ignore-daemonsets")
    shell.cluster.settle()
    assert set(shell.ok("get pods -o jsonpath={.items[*].spec.nodeName}").split()) == {"node-2"}
    assert shell.ok("uncordon node-1") == "node/node-1 uncordoned\n"


def test_taints_are_set_and_removed(shell: Shell) -> None:
    assert shell.ok("taint nodes node-1 a=b:NoSchedule") == "node/node-1 tainted\n"
    assert "already has a taint(s)" in shell.fails("taint nodes node-1 a=c:NoSchedule")
    assert shell.ok("taint nodes node-1 a-") == "node/node-1 untainted\n"
    assert shell.fails("taint nodes node-1 a-") == 'error: taint "a" not found\n'


def test_expose_and_autoscale_find_their_target(shell: Shell) -> None:
    shell.ok("apply -f -", WEB)
    assert shell.ok("expose deployment web --target-port=8080 --name=front") == "service/front exposed\n"
    assert shell.ok("get service front -o jsonpath='{.spec.ports[0].port} {.spec.ports[0].targetPort}'") == "80 8080"
    shell.ok("autoscale deployment web --max=4 --cpu=50%")
    assert "averageUtilization" in shell.ok("get hpa web -o json")
    shell.ok("create deployment bare --image=nginx")
    assert "couldn't find port" in shell.fails("expose deployment bare")


# -- refusing ----------------------------------------------------------------------------------------------------------------


SEPARATE = (
    "error: there is no need to specify a resource type as a separate argument when passing arguments in resource/name form "
    "(e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'\n"
)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("gt pods", 'error: unknown command "gt" for "kubectl"\n\nDid you mean this?\n\tset\n\tget\n\tcp\n'),
        ("rollout sideways", "error: unknown command \"sideways\"\nSee 'kubectl rollout -h' for help and examples\n"),
        ("create thing", "error: Unexpected args: [thing]\nSee 'kubectl create -h' for help and examples\n"),
        ("get --nope", "error: unknown flag: --nope\nSee 'kubectl get --help' for usage.\n"),
        ("get widgets", 'error: the server doesn\'t have a resource type "widgets"\n'),
        ("scale deployment web", 'error: required flag(s) "replicas" not set\n'),
        ("get pods web/x", SEPARATE),
        ("get pod a -l app=x", "error: name cannot be provided when a selector is specified\n"),
        ("edit deployment web", "error: edit needs an editor on a terminal: use patch, set, apply or replace\n"),
        ("top pods", "error: Metrics API not available\n"),
        ("label pod x", "error: at least one label update is required\n"),
        ("create role r --verb=get --resource=widgets", 'the server doesn\'t have a resource type "widgets"\n'),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_in_kubectls_words(shell: Shell, line: str, words: str) -> None:
    assert shell.fails(line) == words


def test_an_unbalanced_quote_is_no_traceback(shell: Shell) -> None:
    assert shell.run("get pods -l 'app").exit_code == 2


def test_help_is_printed_and_succeeds(shell: Shell) -> None:
    assert "Available Commands" in shell.ok("rollout --help")
    assert "--selector" in shell.ok("get -h")


def test_a_result_shows_what_a_terminal_would(shell: Shell) -> None:
    shell.ok("create configmap a")
    done = shell.run("get configmap a b")
    assert repr(done).splitlines()[-1] == 'Error from server (NotFound): configmaps "b" not found'
    assert repr(shell.run("get pods")) == "No resources found in default namespace."


def test_the_default_namespace_is_chosen_once_and_for_all(shell: Shell) -> None:
    shell.ok("create namespace shop")
    assert shell.ok("config set-context --current --namespace=shop") == 'Context "k8snb" modified.\n'
    shell.ok("create configmap c")
    assert shell.ok("get configmap c -n shop -o name") == "configmap/c\n"
    assert shell.ok("config view --minify -o jsonpath={..namespace}") == "shop"
    assert shell.fails("config use-context other") == 'error: no context exists with the name: "other"\n'


def test_a_selector_chooses_among_the_objects_of_a_file(shell: Shell) -> None:
    two = WEB + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n"
    assert shell.ok("apply -l app=web -f -", two) == "deployment.apps/web created\n"
    assert shell.fails("apply -l nothing=x -f -", two) == "error: no objects passed to apply\n"


def test_what_is_accepted_without_effect_says_so(shell: Shell) -> None:
    assert shell.run("get nodes --kubeconfig=other.yaml").stderr == "Warning: --kubeconfig has no effect here\n"


@pytest.mark.parametrize("line", ["annotate pod web x=" + "a" * 2**20, ["annotate", "pod", "web", "x=" + "a" * 2**17]])
def test_a_line_that_no_shell_takes_is_told_at_once(shell: Shell, line: str | list[str]) -> None:
    done = shell.kubectl.run(line)
    assert done.stderr.startswith("error: argument list too long: a line holds at most 131072 bytes")
    assert (done.exit_code, done.stdout) == (126, "")
    assert shell.kubectl.complete("get " + "a" * 2**20) == []


def test_there_is_no_shell_around_kubectl(shell: Shell) -> None:
    done = shell.run("get pods | grep web")
    assert (done.exit_code, done.stderr.startswith("error: there is no shell here, so | means nothing")) == (2, True)
    assert shell.kubectl.run(["create", "configmap", "c", "--from-literal", "a=|"]).ok
