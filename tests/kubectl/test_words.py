"""kubectl's own words, each compared with what a real kubectl printed against the same cluster."""

import pytest

from k8snb.cluster import Cluster

TAINT_KEY = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
QUANTITY = "error: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'\n"
NO_FIELD = 'error: couldn\'t find any field with path "{.metadata.nope}" in the list of objects\n'
SEE = "\nSee 'kubectl taint -h' for help and examples\n"
NO_NAMESPACE = 'Error from server (NotFound): namespaces "x" not found\n'
MANIFEST = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n"


@pytest.fixture(scope="module")
def cluster():
    made = Cluster(nodes=1)
    made.kubectl("create deployment web --image=nginx --replicas=2")
    made.kubectl("create namespace shop")
    made.settle()
    return made


@pytest.fixture
def kubectl(cluster):
    fork = cluster.fork()

    def run(line, stdin=None):
        return fork.kubectl(line, stdin=stdin) if stdin else fork.kubectl(line)

    return run


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("get deploy web -n x", NO_NAMESPACE),
        ("label deploy web a=b -n x", NO_NAMESPACE),
        ("rollout status deploy/web -n x", NO_NAMESPACE),
        ("describe pod web -n x", NO_NAMESPACE),
        ("get deploy other -n shop", 'Error from server (NotFound): deployments.apps "other" not found\n'),
        ("delete pod web -n x", 'Error from server (NotFound): pods "web" not found\n'),
        ("logs web -n x", 'error: error from server (NotFound): namespaces "x" not found in namespace "x"\n'),
        ("get all web", "error: you must specify only one resource\n"),
        ("get pods --sort-by=.metadata.nope", "No resources found in default namespace.\n"),
        (
            "get pods,deploy --sort-by=.metadata.nope",
            'error: couldn\'t find any field with path "{.metadata.nope}" in the list of objects\n',
        ),
        ("wait deploy/other --for=create --timeout=1s", "error: timed out waiting for the condition\n"),
        ("set resources deploy web --limits=cpu=abc", QUANTITY),
        ("create quota q --hard=cpu=x", QUANTITY),
        ("create secret tls t --cert=x --key=y", "error: Cannot read file x, open x: no such file or directory\n"),
        ("create token other", 'error: failed to create token: serviceaccounts "other" not found\n'),
        ("create clusterrolebinding c", 'error: required flag(s) "clusterrole" not set\n'),
        ("taint node node-1 a=b", f"error: invalid taint spec: a=b, {TAINT_KEY}{SEE}"),
        (
            "taint node node-1 a=b=c:NoSchedule",
            f"error: invalid taint spec: a=b=c:NoSchedule{SEE}",
        ),
        ("explain other", 'the server doesn\'t have a resource type "other"\n'),
        ("expose deploy web", "error: couldn't find port via --port flag or introspection\n"),
    ],
)
def test_refusals(kubectl, command, says):
    done = kubectl(command)
    assert done.stderr == says
    assert done.exit_code == (0 if says.startswith("No resources") else 1)


def test_unusual_verbs_are_warned_of(kubectl):
    done = kubectl("create role r --verb=dance,get --resource=pods")
    assert (done.stdout, done.stderr) == (
        "role.rbac.authorization.k8s.io/r created\n",
        "Warning: 'dance' is not a standard resource verb\n",
    )


def test_a_taint_that_changes_its_value_is_modified(kubectl):
    assert kubectl("taint node node-1 a=b:NoSchedule").stdout == "node/node-1 tainted\n"
    assert kubectl("taint node node-1 a=c:NoSchedule --overwrite").stdout == "node/node-1 modified\n"
    assert kubectl("taint node node-1 a-").stdout == "node/node-1 untainted\n"


def test_a_patch_of_the_scale_says_whether_anything_changed(kubectl):
    patch = 'patch deploy web --subresource=scale --type=merge -p \'{"spec":{"replicas":%d}}\''
    assert kubectl(patch % 2).stdout == "scale.autoscaling/web patched (no change)\n"
    assert kubectl(patch % 3).stdout == "scale.autoscaling/web patched\n"


def test_a_difference_does_not_speak_of_the_annotation_that_apply_would_write(kubectl):
    done = kubectl("diff -f -", MANIFEST)
    assert done.exit_code == 1
    assert "+  a: b" in done.stdout
    assert "last-applied" not in done.stdout
    missing = kubectl("diff -n x -f -", MANIFEST)
    assert missing.stderr == NO_NAMESPACE


CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: foos.ex.com}
spec:
  group: ex.com
  scope: Namespaced
  names: {plural: foos, singular: foo, kind: Foo}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, description: A foo., properties: {spec: {type: object, description: What is wanted.,
      required: [size],
      properties: {size: {type: integer, description: How big.}, tags: {type: object, additionalProperties: {type: string}}}}}}}
"""


def test_a_custom_resource_is_explained_by_its_definition():
    cluster = Cluster(nodes=0)
    cluster.kubectl("apply -f -", stdin=CRD)
    cluster.run_for(1)
    assert cluster.kubectl("explain foo.spec").stdout == (
        "GROUP:      ex.com\nKIND:       Foo\nVERSION:    v1\n\nFIELD: spec <Object>\n\n\nDESCRIPTION:\n    What is wanted.\n    \n"
        "FIELDS:\n  size\t<integer> -required-\n    How big.\n\n  tags\t<map[string]string>\n    <no description>\n\n\n"
    )
    tags = cluster.kubectl("explain foo.spec.tags").stdout
    assert tags.endswith("FIELD: tags <map[string]string>\n\n\nDESCRIPTION:\n    <empty>\n\n")


def test_a_list_of_what_is_not_served_any_more_says_what_was_listed():
    cluster = Cluster(nodes=0)
    cluster.kubectl("apply -f -", stdin=CRD)
    cluster.run_for(1)
    cluster.kubectl("get foo")
    cluster.client.delete("customresourcedefinitions.apiextensions.k8s.io", "foos.ex.com", "")
    cluster.run_for(2)
    refused = cluster.kubectl("get foo").stderr
    assert refused in (
        'Error from server (NotFound): Unable to list "ex.com/v1, Resource=foos": the server could not find the requested resource\n',
        'error: the server doesn\'t have a resource type "foo"\n',
    )


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("get deploy -o go-template='{{.items'", "error: error parsing template {{.items, template: output:1: unclosed action\n"),
        ("rollout status deploy", 'deployment "web" successfully rolled out\n'),
        ("rollout history deploy", "deployment.apps/web \nREVISION  CHANGE-CAUSE\n1         <none>\n\n"),
        ("rollout restart deploy -l nope=x", "No resources found in default namespace.\n"),
        ("rollout history deploy -l nope=x", ""),
    ],
)
def test_what_names_nothing_means_all(kubectl, command, says):
    assert kubectl(command).text == says


def test_a_pair_and_a_type_do_not_mix(kubectl):
    assert kubectl("get deploy/web svc").stderr.startswith("error: there is no need to specify a resource type as a separate argument")


def test_tables_without_headers_follow_each_other(kubectl):
    lines = kubectl("get deploy,rs --no-headers").stdout.split("\n")
    assert [line.partition("/")[0] for line in lines] == ["deployment.apps", "replicaset.apps", ""]
