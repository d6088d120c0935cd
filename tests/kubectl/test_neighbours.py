"""Commands beside those of the recordings, each compared with what a real kubectl printed against the same cluster."""

import pytest

from k8snb.cluster import Cluster
from k8snb.kubectl.csaupgrade import upgraded
from k8snb.kubectl.gosort import natural, ordered

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME, labels: {app: shop}}\ndata: {a: b}\n"
RBAC = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: r, namespace: default}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: rb, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}
subjects: [{kind: User, name: jane, apiGroup: rbac.authorization.k8s.io}]
"""


@pytest.fixture(scope="module")
def shop():
    made = Cluster(nodes=1, runtime="hollow", loud=False)
    made.kubectl("create deployment web --image=nginx --replicas=2")
    made.kubectl("create service clusterip web --tcp=80")
    made.settle()
    return made


@pytest.fixture
def cluster(shop):
    return shop.fork()


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("create clusterrole c --verb=list --non-resource-url=/x", "error: invalid verb: 'list' for nonResourceURL\n"),
        ("create clusterrole c --verb=get --non-resource-url=x", "error: nonResourceURL should start with /\n"),
        ("create clusterrole c --verb=get", "error: one of resource or nonResourceURL must be specified\n"),
        (
            "create clusterrole c --aggregation-rule=a=b --verb=get",
            "error: aggregation rule must be specified without nonResourceURLs, verbs, resources or resourceNames\n",
        ),
        ("rollout status rs", "error: no status viewer has been implemented for ReplicaSet.apps\n"),
        ("rollout history rs", 'error: no history viewer has been implemented for "ReplicaSet.apps"\n'),
        ("rollout undo svc web", 'error: error retrieving rollbacker for "Service", no visitor method exists for { Service}\n'),
        ("create token default --duration=-1m", "error: --duration must be greater than or equal to 0\n"),
        ("create token default --bound-object-kind=Pod", "error: --bound-object-name is required if --bound-object-kind is provided\n"),
        (
            "create token default --bound-object-kind=Node --bound-object-name=gone",
            'error: failed to create token: nodes "gone" not found\n',
        ),
        (
            "set selector svc web a=b --resource-version=1",
            (
                'Error from server (Conflict): Operation cannot be fulfilled on services "web": the object has been modified; '
                "please apply your changes to the latest version and try again\n"
            ),
        ),
        ("create role r --verb=bind --resource=pods", "error: can not perform 'bind' on 'pods' in group ''\n"),
        ("create role r --verb=get --resource=pods.shop", 'the server doesn\'t have a resource type "pods" in group "shop"\n'),
        ("create pdb p --selector=a=b --min-available=x", "error: invalid format specified for min-available\n"),
        (
            "create pdb p --selector='a in (b' --min-available=1",
            "error: couldn't parse the selector string \"a in (b\": unable to parse requirement: found '', expected: ',' or ')'\n",
        ),
        ("create service clusterip s --tcp=x", 'error: strconv.ParseUint: parsing "x": invalid syntax\n'),
        ("create service clusterip s --tcp=99999", 'error: strconv.ParseUint: parsing "99999": value out of range\n'),
        ("create service clusterip s --tcp=80:99999", "error: must be between 1 and 65535, inclusive\n"),
        ("create service externalname s --external-name=X_", "error: invalid service external name X_\n"),
        ("create service other s", "error: unknown command \"other s\"\nSee 'kubectl create service -h' for help and examples\n"),
        ("create ingress i --default-backend=web", "error: default-backend should be in format servicename:serviceport\n"),
        ("create ingress i --rule=a/=b:80 --annotation=c", "error: annotation c is invalid and should be in format key=[value]\n"),
        ("create configmap c --from-file=none.txt", "error: error reading none.txt: no such file or directory\n"),
        ("create -f a -k b", "error: only one of -f or -k can be specified\n"),
        ("get deploy --subresource=scale", "error: subresource cannot be used when bulk resources are specified\n"),
        ("get --raw version", 'error: --raw must be a valid URL path: parse "version": invalid URI for request\n'),
        ("get --raw /version -o yaml", "error: --raw and --output are mutually exclusive\n"),
        (
            "get deploy,pods --sort-by=.metadata.name",
            'error: couldn\'t find any field with path "{.metadata.name}" in the list of objects\n',
        ),
        ("label deploy web a=b=c", "error: invalid label spec: a=b=c\n"),
        ("label --local pods a=b", "error: can only use local files by -f pod.yaml or --filename=pod.json when --local=true is set\n"),
        ("set selector svc web 'a in (b)'", "error: match expression [{a In [b]}] not supported on this object\n"),
        (
            "set resources deploy web --requests=cpu=2 --limits=cpu=1",
            (
                'error: failed to patch resources update to pod template Deployment.apps "web" is invalid: '
                'spec.template.spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1\n'
            ),
        ),
        ("apply --server-side --force -f -", "error: --force cannot be used with --server-side\n"),
        (
            "apply --prune --server-side --all -f -",
            "error: --prune is in alpha and doesn't currently work on objects created by server-side apply\n",
        ),
        ("apply --prune --all -l a=b -f -", "error: cannot set --all and --selector at the same time\n"),
        (
            "apply --validate=perhaps -f -",
            'error: invalid - validate option "perhaps"; must be one of: strict (or true), warn, ignore (or false)\n',
        ),
        ("auth reconcile", "error: must specify one of -f and -k\n"),
        ("get pods --context=other", "Error in configuration: context was not found for specified context: other\n"),
        ("run p --image='a b'", 'error: Invalid image name "a b": invalid reference format\n'),
        ("run p --image=a --env=1=2", "error: invalid env: 1=2\n"),
        ("run p --image=a --override-type=x --overrides={}", "error: invalid override type: x\n"),
        ("run p --image=a --port=x", 'error: strconv.Atoi: parsing "x": invalid syntax\n'),
        ("delete pod web -A", "error: a resource cannot be retrieved by name across all namespaces\n"),
        ("delete pod web -o yaml", "error: unexpected -o output mode: yaml. We only support '-o name'\n"),
        ("patch deploy web --patch-file=none", "error: unable to read patch file: open none: no such file or directory\n"),
        ("auth can-i --list get pods", "error: list option must be specified with no arguments\n"),
        ("events --types=Bad", "error: valid --types are Normal or Warning\n"),
        ("wait pods --for=condition=Ready", "error: resource(s) were provided, but no name was specified\n"),
        ("wait pods --all --for=jsonpath=", "error: jsonpath expression cannot be empty\n"),
        ("taint svc web a=b:NoSchedule", "error: invalid resource type svc, only node types are supported\n"),
        (
            "taint node node-1 a=b:NoSchedule a-",
            "error: can not both modify and remove the following taint(s) in the same command: a=\n",
        ),
        ("drain node-1 --pod-selector='a in'", "error: --pod-selector=<pod_selector> must be a valid label selector\n"),
        ("logs svc/none", 'error: error from server (NotFound): services "none" not found in namespace "default"\n'),
        ("logs node/node-1", "error: cannot get the logs from *v1.Node: selector for *v1.Node not implemented\n"),
        ("explain pods --output=x", "error: unrecognized format: x\n"),
        ("describe pod/none svc/web", 'Error from server (NotFound): pods "none" not found\n'),
    ],
)
def test_refusals(cluster, command, says):
    done = cluster.kubectl(command, MAP)
    assert (done.stderr, done.exit_code) == (says, 1)


def test_names_end_with_a_hash_of_what_is_held(cluster):
    made = cluster.kubectl("create configmap c --from-literal=k=v --append-hash -o name").stdout
    assert made == "configmap/c-tgfmcfgbt5\n"
    assert cluster.kubectl("create secret generic s --type=a/b --append-hash -o name").stdout == "secret/s-fh4gh9dk79\n"


def test_an_image_whose_name_is_no_container_name_gets_a_suffix(cluster):
    name = cluster.kubectl("create deployment d --image=a.b/y_z:1 -o jsonpath={.spec.template.spec.containers[0].name}").stdout
    assert name.startswith("y-z-")
    assert len(name) == len("y-z-") + 5


def test_sorting_knows_numbers_and_puts_first_who_has_no_such_field():
    assert sorted(["web-10", "web-2", "web"], key=natural) == ["web", "web-2", "web-10"]
    lacking = ordered(["a", "", "b", ""], lambda one, other: not one or (bool(other) and one < other))
    assert lacking == ["", "", "a", "b"]
    many = [(index * 7) % 40 for index in range(200)]
    assert ordered(many, lambda one, other: one < other) == sorted(many)


def test_templates_show_managed_fields(cluster):
    assert "managedFields" in cluster.kubectl("get deploy web -o jsonpath={.metadata}").stdout
    assert "managedFields" not in cluster.kubectl("get deploy web -o yaml").stdout


def test_listing_labels_changes_nothing(cluster):
    assert cluster.kubectl("label deploy web tier=front --list").stdout == "app=web\ntier=front\n"
    assert cluster.kubectl("label deploy web --list").stdout == "app=web\n"


def test_the_history_of_a_deployment_as_yaml_is_its_replica_sets(cluster):
    assert "kind: ReplicaSet" in cluster.kubectl("rollout history deploy web -o yaml").stdout


def test_applying_with_prune_deletes_what_the_files_do_not_have(cluster):
    cluster.kubectl("apply -f -", MAP.replace("NAME", "one") + "---\n" + MAP.replace("NAME", "two"))
    cluster.kubectl("create configmap three --from-literal=a=b")
    cluster.kubectl("label configmap three app=shop")
    command = "apply --prune -l app=shop --prune-allowlist=core/v1/ConfigMap -f -"
    assert cluster.kubectl(command, MAP.replace("NAME", "one")).stdout == "configmap/one unchanged\nconfigmap/two pruned\n"
    names = cluster.kubectl("get configmaps -l app=shop -o name").stdout
    assert names == "configmap/one\nconfigmap/three\n"  # what was never applied stays


def test_server_side_apply_takes_over_what_client_side_apply_owned(cluster):
    cluster.kubectl("apply -f -", MAP.replace("NAME", "one"))
    cluster.kubectl("apply --server-side -f -", MAP.replace("NAME", "one"))
    managers = cluster.kubectl("get cm one -o jsonpath='{.metadata.managedFields[*].manager}'").stdout
    assert managers == "kubectl kubectl-last-applied"
    cluster.kubectl("apply --server-side -f -", MAP.replace("NAME", "one").replace("data: {a: b}", "data: {c: d}"))
    assert cluster.kubectl("get cm one -o jsonpath={.data}").stdout == '{"c":"d"}'


def test_what_was_applied_last_is_written_alike_by_client_and_server(cluster):
    shell = MAP.replace("NAME", "script").replace("data: {a: b}", "data: {run: 'a < b && c > d'}")
    cluster.kubectl("apply -f -", shell)
    written = "get cm script -o jsonpath={.metadata.annotations}"
    by_client = cluster.kubectl(written).stdout
    assert r"a \\u003c b \\u0026\\u0026 c \\u003e d" in by_client
    cluster.kubectl("apply --server-side -f -", shell)
    assert cluster.kubectl(written).stdout == by_client.replace(r"\"annotations\":{},", "")  # which kubectl adds


def test_without_an_applier_the_updater_becomes_it():
    fields = {"f:metadata": {"f:annotations": {"f:kubectl.kubernetes.io/last-applied-configuration": {}}}, "f:data": {"f:a": {}}}
    entry = {"manager": "old", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields}
    after = upgraded([entry], "old", "kubectl")
    assert [(one["manager"], one["operation"], one["fieldsV1"]) for one in after] == [("kubectl", "Apply", {"f:data": {"f:a": {}}})]


def test_permissions_are_reconciled(cluster):
    first = cluster.kubectl("auth reconcile -f -", RBAC)
    assert first.stdout == "role.rbac.authorization.k8s.io/r reconciled\nrolebinding.rbac.authorization.k8s.io/rb reconciled\n"
    assert "\treconciliation required create\n\tmissing rules added:\n\t\t{Verbs:[get] APIGroups:[] Resources:[pods]" in first.stderr
    assert cluster.kubectl("auth reconcile -f -", RBAC).stderr == ""
    more = cluster.kubectl("auth reconcile -f -", RBAC.replace("[get]", "[list]").replace("jane", "joe"))
    assert "missing subjects added:\n\t\t{Kind:User APIGroup:rbac.authorization.k8s.io Name:joe Namespace:}" in more.stderr
    assert cluster.kubectl("auth can-i get pods --as=joe").stdout == "yes\n"
    assert cluster.kubectl("auth can-i list pods --as=jane").stdout == "yes\n"
    less = cluster.kubectl("auth reconcile --remove-extra-permissions -f -", RBAC)
    assert "extra rules removed:\n\t\t{Verbs:[list]" in less.stderr
    assert cluster.kubectl("auth can-i list pods --as=jane").stdout.startswith("no")


def test_the_server_says_how_it_is(cluster):
    assert cluster.kubectl("get --raw /readyz").stdout == "ok"
    lines = cluster.kubectl("get --raw /readyz?verbose").stdout.splitlines()
    assert lines[:3] == ["[+]ping ok", "[+]log ok", "[+]etcd ok"]
    assert lines[-1] == "readyz check passed"
    assert cluster.kubectl("get --raw /livez/etcd").stdout == "ok"
    assert cluster.kubectl("get --raw /livez/other").exit_code == 1


def test_component_statuses_tell_what_has_stopped(cluster):
    assert [line.split() for line in cluster.kubectl("get cs --no-headers").stdout.splitlines()] == [
        ["scheduler", "Healthy", "ok"], ["controller-manager", "Healthy", "ok"], ["etcd-0", "Healthy", "ok"],
    ]  # fmt: skip
    cluster.faults.stop("kube-scheduler")
    assert "Unhealthy" in cluster.kubectl("get cs scheduler").stdout


def test_drain_gives_up_where_a_budget_never_allows(cluster):
    cluster.kubectl("create pdb web --selector=app=web --min-available=2")
    cluster.settle()
    done = cluster.kubectl("drain node-1")
    assert done.exit_code == 1
    assert done.stderr.count("will retry after 5s") < 60


def test_a_rehearsed_drain_says_what_it_would_evict_and_evicts_nothing(cluster):
    cluster.kubectl("run lone --image=nginx")
    cluster.settle()
    refused = cluster.kubectl("drain node-1 --dry-run=client")
    assert refused.stderr.endswith(
        "There are pending nodes to be drained:\n node-1\n"
        "cannot delete Pods that declare no controller (use --force to override): default/lone\n"
    )
    done = cluster.kubectl("drain node-1 --dry-run=server --force")
    assert "evicting pod default/lone (server dry run)\n" in done.stdout
    assert done.stdout.endswith("node/node-1 drained (server dry run)\n")
    cluster.run_for(60)
    assert cluster.kubectl("get pod lone --no-headers").exit_code == 0


def test_objects_share_the_time_that_wait_has(cluster):
    cluster.kubectl('run a --image=nginx --overrides=\'{"spec":{"nodeName":"none"}}\'')
    cluster.kubectl("run b --image=nginx")
    cluster.settle()
    done = cluster.kubectl("wait pod a b --for=condition=Ready --timeout=5s")
    assert done.stderr == "timed out waiting for the condition on pods/a\ntimed out waiting for the condition on pods/b\n"


def test_exposing_keeps_protocols(cluster):
    cluster.kubectl("create service clusterip dns --tcp=53")
    cluster.kubectl('patch svc dns --type=json -p \'[{"op":"add","path":"/spec/ports/0/protocol","value":"UDP"}]\'')
    made = cluster.kubectl("expose svc dns --name=dns2 --dry-run=client -o jsonpath={.spec.ports[0].protocol}")
    assert made.stdout == "UDP"


STUCK = """
apiVersion: v1
kind: Pod
metadata: {name: NAME, finalizers: [shop/keep], labels: {app: web}}
spec: {nodeName: node-1, containers: [{name: c, image: nginx}]}
"""


def test_drain_names_the_pods_that_it_leaves_behind(cluster):
    for name in ("one", "two"):
        cluster.kubectl("apply -f -", STUCK.replace("NAME", name))
    cluster.settle()
    cluster.kubectl("delete deployment web")
    cluster.kubectl("create pdb web --selector=app=web --min-available=1")
    cluster.settle()
    result = cluster.kubectl("drain node-1 --force --timeout=12s")
    assert result.stdout.count("evicting pod default/two") == 4  # the last one finds that the time is up
    ended = 'error when waiting for pod "one" in namespace "default" to terminate: context deadline exceeded'
    evicting = 'error when evicting pods/"two" -n "default": global timeout reached: 12s'
    assert f'There are pending pods in node "node-1" when an error occurred: [{evicting}, {ended}]\npod/one\npod/two\n' in result.stderr
    cluster.kubectl("delete pdb web")
    result = cluster.kubectl("drain node-1 --force --timeout=90s --skip-wait-for-delete-timeout=40")
    assert result.ok, result.stderr


def test_what_a_deleted_definition_served_is_forgotten(cluster):
    names = "plural: widgets, singular: widget, kind: Widget"
    schema = "schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}"
    cluster.kubectl(
        "apply -f -",
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.shop.io}\nspec: "
        f"{{group: shop.io, scope: Namespaced, names: {{{names}}}, versions: [{{name: v1, served: true, storage: true, {schema}}}]}}",
    )
    cluster.settle()
    assert cluster.kubectl("get widgets").stderr == "No resources found in default namespace.\n"
    cluster.kubectl("delete crd widgets.shop.io")
    cluster.settle()
    cluster.kubectl("get widgets")
    assert cluster.kubectl("get widgets").stderr == 'error: the server doesn\'t have a resource type "widgets"\n'


def test_json_of_go_structs_has_their_order(cluster):
    made = cluster.kubectl("create deployment d --image=nginx --port=80 --dry-run=server -o json").stdout
    places = [made.index(f'"{word}"') for word in ("kind", "apiVersion", "metadata", "uid", "labels", "spec", "name", "image", "ports")]
    assert places[:6] == sorted(places[:6])
    assert made.index('"restartPolicy"') < made.index('"terminationGracePeriodSeconds"') < made.index('"dnsPolicy"')
    assert cluster.kubectl("run r --image=nginx --dry-run=server -o json").stdout.startswith('{\n    "apiVersion"')
    kept = cluster.kubectl("create cm c --from-literal=a=b --save-config -o jsonpath={.metadata.annotations}").stdout
    assert '{\\"kind\\":\\"ConfigMap\\",\\"apiVersion\\":\\"v1\\",\\"metadata\\":{\\"name\\":\\"c\\"},\\"data\\":{\\"a\\":\\"b\\"}}' in kept


ENV = """
apiVersion: v1
kind: Pod
metadata: {name: one, labels: {app: shop}}
spec:
  containers:
  - name: main
    image: nginx
    resources: {limits: {cpu: 1500m}}
    env:
    - {name: A, value: plain}
    - {name: B, valueFrom: {configMapKeyRef: {name: settings, key: color}}}
    - {name: C, valueFrom: {secretKeyRef: {name: hidden, key: word}}}
    - {name: D, valueFrom: {fieldRef: {fieldPath: "metadata.labels['app']"}}}
    - {name: E, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}
    - {name: G, valueFrom: {configMapKeyRef: {name: settings, key: size}}}
    - {name: H, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
    - {name: F, valueFrom: {configMapKeyRef: {name: settings, key: size}}}
"""


def test_set_env_finds_the_values_that_variables_refer_to(cluster):
    cluster.kubectl("create configmap settings --from-literal=color=blue")
    cluster.kubectl("create secret generic hidden --from-literal=word=swordfish")
    cluster.apply(ENV)
    said = cluster.kubectl("set env pod/one --list --resolve")
    assert said.stdout.split("\n")[1:] == [
        "A=plain", "B=blue", "C=swordfish", "D=shop", "E=2", "# G from configmap settings, key size",
        "# H from field path status.podIP", "# F from configmap settings, key size", "",
    ]  # fmt: skip
    assert said.stderr == (
        "error retrieving reference for F, G: key size not found in config map settings\n"
        "error retrieving reference for H: unsupported fieldPath: status.podIP\n"
    )
    assert said.ok
    assert "# C from secret hidden, key word" in cluster.kubectl("set env pod/one --list").stdout
