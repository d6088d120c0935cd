"""Errors in Kubernetes' words, the line of the cell that they are about, and what usually is behind them."""

import re

import pytest

from k8snb import Cluster
from k8snb.kubectl import pointing
from k8snb.kubectl.pointing import WIDTH, pointer
from k8snb.kubectl.spelling import slip
from k8snb.messages import LANGUAGES, set_language
from k8snb.notebook.magics import _apply
from k8snb.resources import RESOURCES

KINDS = {(one.api_version, one.kind): one for one in RESOURCES}
POD = """apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
  - name: nginx
    image: nginx
  - name: proxy
    image: envoy
    ports:
    - containerPort: 80
"""
LIST_OF = "apiVersion: v1\nkind: List\nitems:\n- "
DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: NAME
spec:
  replicas: 3
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: nginx
        image: nginx
"""


@pytest.fixture(scope="module")
def cluster():
    return Cluster(nodes=0)


@pytest.fixture
def shown(cluster):
    """What a cell shows that applies a manifest: Kubernetes' words, then ours as [(line of the manifest, underlined, hint)]."""

    def apply(manifest, options=""):
        said = _apply(cluster, f"--dry-run=server {options}", manifest)
        return said.text, marks(said.remark)

    return apply


def marks(remark):
    found = re.findall(r"line (\d+) of this cell\n  │ ?(.*)\n  │ ?( *)(\^+)(?:\n(?!line)(.*))?", remark)
    return [(int(line) - 1, source[len(before) :][: len(arrows)], hint) for line, source, before, arrows, hint in found]


def places(shown):
    return [(line, underlined) for line, underlined, _ in shown[1]]


def test_an_unknown_field_is_underlined_in_its_line():
    said = 'error: Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.replcas"'
    manifest = DEPLOYMENT.replace("replicas", "replcas")
    assert pointer(manifest, said, KINDS) == (
        "line 7 of this cell\n  │   replcas: 3\n  │   ^^^^^^^\nThere is no field replcas here. Is replicas meant?"
    )


def test_every_cause_has_its_place_and_a_missing_field_its_nearest_ancestor(shown):
    manifest = DEPLOYMENT.replace("NAME", "web").replace("labels: {app: web}", "labels: {app: wob}").replace("nginx\n", "Bad_Name\n", 1)
    assert places(shown(manifest)) == [(11, "labels"), (14, "name")]
    without = POD.replace("    image: envoy\n", "")
    assert places(shown(without)) == [(9, "n")]  # spec.containers[1].image: Required value


def test_each_complaint_points_into_its_own_document(shown):
    one, two, three = (DEPLOYMENT.replace("NAME", name) for name in ("one", "two", "three"))
    length = one.count("\n") + 1
    cell = "---\n".join([one, two.replace("3", "three"), three.replace("3", "-3")])
    assert places(shown(cell)) == [(length + 6, "replicas"), (2 * length + 6, "replicas")]
    same = "---\n".join([one.replace("3", "x"), two.replace("3", "x"), three])
    assert places(shown(same)) == [(6, "replicas"), (length + 6, "replicas")]


def test_the_item_of_a_list_is_found_though_go_prints_no_index(shown):
    said, found = shown(POD.replace("80", '"http"'))
    assert "spec.containers.ports.containerPort of type int32" in said
    assert found == [(12, "containerPort", "A whole number belongs here, without quotes.")]
    assert places(shown(POD.replace("envoy", "[]"))) == [(10, "image")]
    assert places(shown(POD.replace("  name: web", "  name: web\n  annotations: {a: x, b: 1}"))) == [(5, "b")]


def test_an_item_of_a_list_of_objects_is_an_object_too(shown):
    item = "- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: NAME}\n  data: {a: VALUE}\n"
    items = [item.replace("NAME", name).replace("VALUE", value) for name, value in (("one", "b"), ("two", "1"))]
    cell = f"apiVersion: v1\nkind: List\nitems:\n{''.join(items)}"
    assert places(shown(cell, "--validate=false")) == [(11, "a")]
    assert places(shown(cell.replace("two", "2"), "--validate=false")) == [(10, "name")]


@pytest.mark.parametrize(
    ("manifest", "line", "underlined", "hint"),
    [
        ("metadata:\n  name: web\n spec:\n  containers:\n", 3, "s", "does not stand in the column of its neighbours"),
        ("spec:\n  containers:\n  - name: nginx\n   image: nginx\n", 4, "i", "does not stand in the column of its neighbours"),
        ("a:\n- b\nc:\n  - d\n e: f\n", 5, "e", "does not stand in the column"),
        ("spec:\n\treplicas: 3\n", 2, "→", "Here stands a tab"),
        ("spec:\n  a: 1\n\tb: 3\n", 3, "→", "Here stands a tab"),
        ('c:\n- args: ["sh", "-c"\n  env:\n  - name: x\n', 2, "[", "Brackets are not closed"),
        ("a: {b: c\nd: e\n", 1, "{", "Brackets are not closed"),
        ('c:\n- image: "b\n  name: x\n', 2, '"', "A quote is opened here and never closed"),
        ('c:\n- image: "b\n  args: ["x"]\n', 3, "x", "Look for one that is missing"),
        ("a: 1\nb\nc: 1\n", 2, "b", "a colon and a space"),
        ("a: b: c\n", 1, ":", "No key can stand here"),
        ("metadata:\n  name:web\n  labels: {}\n", 2, ":", "a colon and a space"),
        ("c:\n- name:nginx\n  image: nginx\n", 2, ":", "a colon and a space"),
        ("c:\n-name: nginx\n image: nginx\n", 2, "-", "has a dash and a space"),
        ("c:\n- http://a\n  image: nginx\n", 3, ":", "No key can stand here"),
        ("c:\n- name: nginx\n    \u00a0image: nginx\n", 3, "·", "a blank of another kind"),
        ("c:\n  - name: nginx\n\u3000\u3000image: nginx\n    env: []\n", 3, "·", "a blank of another kind"),
        ("a: - b\n", 1, "-", "A list begins in a line of its own"),
        ("host: *.example.com\n", 1, "*", "begins with * needs quotes"),
        ("a: @x\n", 1, "@", "begins with @ needs quotes"),
        ("a: [\n", 1, "", ""),
        ("name: {{ name }}\n", 1, "{{", "a place in a template"),
        ("x: 1\nname: {{ .Values.name }}-web\n", 2, "-", "a place in a template"),
        ("kind: A\n--- Pod\n", 2, "--- Pod", ""),
    ],
)  # fmt: skip
def test_yaml_that_cannot_be_read_points_where_the_parser_could_not_go_on(shown, manifest, line, underlined, hint):
    said, found = shown(manifest)
    assert said.startswith("error: error parsing STDIN")
    assert [one[0] for one in found] == [line]
    assert found[0][1].startswith(underlined)
    assert hint in found[0][2]


def test_yaml_in_a_later_document_is_counted_from_the_top_of_the_cell(shown):
    assert shown(POD + "---\na:\n  b: 1\n c: 2\n")[1][0][0] == POD.count("\n") + 4


@pytest.mark.parametrize(
    ("manifest", "place", "hint"),
    [
        (POD.replace("v1", "v2"), (1, "apiVersion"), "The apiVersion of Pod is v1."),
        (DEPLOYMENT.replace("apps/v1", "v1"), (1, "apiVersion"), "The apiVersion of Deployment is apps/v1."),
        (POD.replace("Pod", "Pot"), (2, "kind"), "Is Pod meant, of apiVersion v1?"),
        (DEPLOYMENT.replace("Deployment", "deployments"), (2, "kind"), "Is Deployment meant, of apiVersion apps/v1?"),
        (POD.replace("Pod", "Zebra"), (2, "kind"), "There is no kind Zebra here"),
        (POD.replace("kind: Pod\n", ""), (1, "a"), "Every object needs kind."),
        (POD.replace("apiVersion: v1\n", ""), (1, "k"), "Every object needs apiVersion."),
        (POD.replace("  name: web\n", "  labels: {}\n"), (3, "metadata"), "Every object needs metadata.name."),
        (POD.replace("  name: web", "name: web"), (3, "metadata"), "Every object needs metadata.name."),
        (POD.replace("  name: web", "  name: web\n  namespace: shop"), (5, "namespace"), "kubectl create namespace shop"),
        (POD.replace("envoy", "envoy\n    resources: {limits: {cpu: 1, memory: 1GB}}"), (11, "memory"), "'1GB' is no amount"),
        (POD.replace("name: web", 'name: "{{ name }}"'), (4, "name"), "a place in a template"),
    ],
)
def test_what_usually_is_behind_a_complaint_stands_below_the_line(shown, manifest, place, hint):
    (found,) = shown(manifest)[1]
    assert found[:2] == place
    assert hint in found[2]


@pytest.mark.parametrize(
    ("manifest", "place", "meant"),
    [
        (POD.replace("kind:", "Kind:"), (2, "Kind"), "kind"),
        (POD.replace("kind:", "kidn:"), (2, "kidn"), "kind"),
        (POD.replace("apiVersion", "api_version"), (1, "api_version"), "apiVersion"),
        (POD.replace("metadata", "metadate"), (3, "metadate"), "metadata"),
        (POD.replace("  name: web", "  naem: web"), (4, "naem"), "name"),
        (POD.replace("spec", "Spec"), (5, "Spec"), "spec"),
        (POD.replace("containers", "container"), (6, "container"), "containers"),
        (POD.replace("- name: nginx", "- naem: nginx"), (7, "naem"), "name"),
        (POD.replace("envoy", "envoy\n    evn: []"), (11, "evn"), "env"),
        (POD.replace("containerPort", "containerport"), (12, "containerport"), "containerPort"),
        (DEPLOYMENT.replace("NAME", "web").replace("replicas", "replica"), (6, "replica"), "replicas"),
        (DEPLOYMENT.replace("NAME", "web").replace("matchLabels", "matchLabel"), (8, "matchLabel"), "matchLabels"),
        (POD.replace("kind: ", "ki\tnd: "), (2, "ki→nd"), "kind"),
        (LIST_OF + POD.replace("containers", "containerrs").replace("\n", "\n  "), (9, "containerrs"), "containers"),
    ],
)
def test_a_key_that_is_nearly_a_field_is_pointed_at_and_told_what_is_meant(shown, manifest, place, meant):
    (found,) = shown(manifest)[1]
    assert found == (*place, f"There is no field {place[1]} here. Is {meant} meant?")


def _in_pod(old, new):
    return POD.replace(old, new)


@pytest.mark.parametrize(
    ("manifest", "place", "meant"),
    [
        (_in_pod("containerPort", "port"), (12, "port"), "containerPort / hostPort"),
        (_in_pod("envoy", "envoy\n    volumeMounts: [{name: a, path: /a}]"), (11, "path"), "mountPath / subPath"),
        (_in_pod("envoy", "envoy\n    environment: [{name: A, value: b}]"), (11, "environment"), "env"),
        (_in_pod("spec:\n", "spec:\n  volumes: [{name: a, secret: {name: b}}]\n"), (6, "name"), "secretName"),
        (DEPLOYMENT.replace("NAME", "web").replace("matchLabels", "labels"), (8, "labels"), "matchLabels"),
    ],
)
def test_a_field_that_is_called_otherwise_for_short_is_told_by_each_name_that_it_can_have(shown, manifest, place, meant):
    (found,) = shown(manifest)[1]
    assert found == (*place, f"There is no field {place[1]} here. Is {meant} meant?")


def test_what_is_called_so_but_takes_other_values_or_is_one_of_many_is_not_meant(shown):
    for spec in ("selector: {matchLabels: {app: web}}", "name: web"):
        (found,) = shown(POD.replace("spec:\n", f"spec:\n  {spec}\n"))[1]
        assert "kubectl explain pod.spec" in found[2]
    (found,) = shown(POD.replace("envoy", "envoy\n    vars: [{name: A, value: b}]"))[1]
    assert "kubectl explain pod.spec.containers" in found[2]  # and not args, of whose four letters two are others


@pytest.mark.parametrize("options", ["--validate=warn", "--validate=false"])
def test_a_misspelt_key_is_told_too_where_it_is_only_warned_of_or_silently_dropped(shown, options):
    (found,) = shown(POD.replace("containers", "container"), options)[1][:1]
    assert found == (6, "container", "There is no field container here. Is containers meant?")


@pytest.mark.parametrize(
    ("manifest", "place", "home"),
    [
        (POD.replace("    image: envoy\n", "").replace("spec:\n", "spec:\n  image: envoy\n"), (6, "image"), "spec.containers"),
        (POD.replace("    - containerPort: 80", "    - name: a\n    containerPort: 80"), (13, "containerPort"), "spec.containers.ports"),
        (DEPLOYMENT.replace("NAME", "web").replace("      containers:", "      strategy: {}\n      containers:"), (13, "strategy"), "spec"),
        (POD.replace("envoy", "envoy\n    hostname: web"), (11, "hostname"), "spec"),
        (POD.replace("envoy", "envoy\n    limits: {cpu: 1}"), (11, "limits"), "spec.containers.resources"),
        (DEPLOYMENT.replace("replicas: 3", "strategy: {maxSurge: 1}"), (6, "maxSurge"), "spec.strategy.rollingUpdate"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  data: {x: y}\n", (5, "data"), "the object itself"),
    ],
)
def test_a_field_in_the_wrong_column_is_told_where_it_is_one(shown, manifest, place, home):
    assert shown(manifest)[1] == [(*place, f"There is no field {place[1]} here; there is one in {home}. Look at the columns.")]


def test_a_key_that_is_like_no_field_leads_to_the_list_of_those_that_there_are(shown):
    misplaced = POD.replace("spec:\n", "spec:\n  image: nginx\n  name: x\n")
    hints = "There is no field {} here. kubectl explain pod.spec lists those that there are."
    assert shown(misplaced)[1] == [(6, "image", hints.format("image")), (7, "name", hints.format("name"))]


def test_what_anybody_may_name_as_they_like_is_no_misspelt_field(shown):
    labelled = POD.replace("  name: web", "  name: Web\n  labels: {naem: x, kidn: z}")
    assert [mark[1] for mark in shown(labelled)[1]] == ["name"]


@pytest.mark.parametrize(
    ("old", "new", "line", "underlined"),
    [
        ("web", "we\tb", 4, "name"), ("Pod", "P\tod", 2, "kind"), ("v1", "v\t1", 1, "apiVersion"),
        ("name: nginx", "name: ng\tinx", 7, "name"), ("envoy", "envoy\n    resources: {limits: {memory: 1\tGi}}", 11, "memory"),
    ],
)  # fmt: skip
def test_a_tab_inside_of_a_value_is_shown_and_named(shown, old, new, line, underlined):
    found = shown(POD.replace(old, new))[1]
    assert (line, underlined, "A tab stands in this text; it is shown as →. Write it without.") in found


def test_a_tab_inside_of_a_key_that_anybody_may_choose_is_named_too(shown):
    (found,) = shown("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  b\tc: x\n")[1]
    assert found == (5, "b→c", "A tab stands in this text; it is shown as →. Write it without.")


@pytest.mark.parametrize(
    ("manifest", "place", "hint"),
    [
        ("hello world\n", (1, "hello world"), "This is no object."),
        ("3\n", (1, "3"), "This is no object."),
        (f"{POD}---\nhello\n", (14, "hello"), "This is no object."),
        ("- apiVersion: v1\n  kind: Pod\n", (1, "-"), "This is a list. Objects stand without dashes"),
        ("web.yaml\n", (1, "web.yaml"), "kubectl apply -f web.yaml reads the file"),
    ],
)
@pytest.mark.parametrize("options", ["", "--validate=false"])
def test_what_is_no_object_is_told_with_what_to_write_instead(shown, manifest, place, hint, options):
    (found,) = shown(manifest, options)[1]
    assert found[:2] == place
    assert hint in found[2]


WEB = DEPLOYMENT.replace("NAME", "web")
DATA = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  a: b\n"
NUMBER, TEXT = "A whole number belongs here, without quotes.", "Text belongs here, and YAML takes this for a number"
LIST, NO_DASH = "A list belongs here: a dash and a space before each of its items.", "Keys with their values belong here, without dashes."


@pytest.mark.parametrize(
    ("manifest", "place", "hint"),
    [
        (WEB.replace("replicas: 3", "replicas: three"), (6, "replicas"), NUMBER),
        (WEB.replace("replicas: 3", 'replicas: "3"'), (6, "replicas"), NUMBER),
        (WEB.replace("replicas: 3", "replicas: 2.5"), (6, "replicas"), NUMBER),
        (WEB.replace("replicas: 3", "paused: 'yes'"), (6, "paused"), "true or false belongs here, without quotes."),
        (DATA.replace("a: b", "a: 80"), (6, "a"), TEXT),
        (DATA.replace("a: b", "a: yes"), (6, "a"), TEXT),
        (DATA.replace("a: b", "a:\n    b: c"), (6, "a"), "A single text belongs here"),
        (DATA.replace("  a: b", "- a: b"), (5, "data"), NO_DASH),
        (DATA.replace("a: b", "a: b\nbinaryData:\n  c: 1"), (8, "c"), TEXT),
        (POD.replace("    - containerPort: 80", "      containerPort: 80"), (11, "ports"), LIST),
        (POD.replace("envoy", "envoy\n    command: sh"), (11, "command"), LIST),
        (POD.replace("name: web", "name: web\n  labels:\n  - app: web"), (5, "labels"), NO_DASH),
        (POD.partition("spec")[0] + "spec:\n- containers: []\n", (5, "spec"), NO_DASH),
        (POD.partition("  - name")[0] + "  - nginx\n", (7, "nginx"), "Keys with their values belong here: key: value."),
    ],
)
def test_what_belongs_where_something_else_stands_is_said(shown, manifest, place, hint):
    (found,) = shown(manifest)[1]
    assert found[:2] == place
    assert found[2].startswith(hint)


def test_a_blank_that_is_no_space_is_shown_and_named_where_it_makes_another_key(shown):
    (found,) = shown(POD.replace("  containers", "\u00a0\u00a0containers").replace("  - ", "- ").replace("    ", "  "))[1]
    assert found[:2] == (6, "··containers")
    assert "a blank of another kind" in found[2]


def test_of_two_objects_without_a_line_between_them_the_second_is_pointed_at(shown):
    assert shown(POD + DATA)[1] == [
        (13, "apiVersion", "Another object begins here. A line --- belongs between two objects; without it only the last one counts.")
    ]


def test_a_field_that_stands_left_of_a_key_with_nothing_behind_it_is_told_where_it_is_one(shown):
    left = POD.replace("\n    ", "\n  ").replace("\n  - ", "\n- ").replace("  containers", "containers")
    assert shown(left)[1] == [(6, "containers", "There is no field containers here; there is one in spec. Look at the columns.")]


def test_whoever_changes_a_pod_that_is_there_is_told_how():
    cluster = Cluster(nodes=0)
    cluster.apply(POD)
    (found,) = marks(_apply(cluster, "", POD.replace("80", "81")).remark)
    assert found[:2] == (5, "spec")
    assert "kubectl delete pod web" in found[2]
    amount = _apply(cluster, "", POD.replace("envoy", "envoy\n    resources: {limits: {memory: 1GB}}"))
    assert amount.text.startswith("The request is invalid: patch:")
    assert marks(amount.remark) == [(11, "memory", "'1GB' is no amount: write a number, and if need be a unit such as m, Ki, Mi or Gi.")]
    cluster.apply(WEB)
    number = _apply(cluster, "", WEB.replace("image: nginx", "image: nginx\n        env: [{name: A, value: 5}]"))
    assert "cannot convert int64 to string" in number.text
    assert [(line, field, said.startswith(TEXT)) for line, field, said in marks(number.remark)] == [(16, "value", True)]
    assert marks(_apply(cluster, "", WEB.replace("containers:", "containers: {}\n      volumes:")).remark)[0][2] == LIST


def test_whoever_hands_a_manifest_over_is_pointed_at_its_line(cluster):
    misspelt = POD.replace("image: nginx", "imagge: nginx")
    below = "\n  │     imagge: nginx\n  │     ^^^^^^\nThere is no field imagge here. Is image meant?"
    applied = cluster.apply(misspelt)
    assert applied.remark == f"line 8 of the manifest{below}"
    assert "line 8" not in applied.text + applied.stdout + applied.stderr
    assert repr(applied) == f"{applied.text}{applied.remark}"
    assert cluster.kubectl("create -f -", stdin=misspelt).remark == applied.remark
    assert cluster.kubectl("apply -f pod.yaml", files={"pod.yaml": misspelt}).remark == f"line 8 of pod.yaml{below}"


def test_of_several_files_each_is_pointed_at_for_its_own_mistakes(cluster):
    files = {"a.yaml": POD, "b.yaml": POD.replace("image: envoy", "Image: envoy").replace("web", "other")}
    remark = cluster.kubectl("apply -f a.yaml -f b.yaml --dry-run=server", files=files).remark
    assert [line for line in remark.split("\n") if "line" in line] == ["line 10 of b.yaml"]
    twice = {"a.yaml": files["b.yaml"], "b.yaml": files["b.yaml"].replace("other", "third")}
    remark = cluster.kubectl("apply -f a.yaml -f b.yaml --dry-run=server", files=twice).remark
    assert [line for line in remark.split("\n") if "line" in line] == ["line 10 of a.yaml", "line 10 of b.yaml"]


def test_of_many_objects_each_complaint_is_looked_up_in_few(cluster, monkeypatch):
    objects = "---\n".join(POD.replace("name: web", f"name: web-{number}").replace("spec", "spce") for number in range(90))
    looked = []
    monkeypatch.setattr(pointing, "slip", lambda obj, *rest: (looked.append(obj), slip(obj, *rest))[1])
    assert cluster.apply(objects).remark.count("Is spec meant?") == 90
    assert len(looked) == 90
    assert cluster.kubectl("create -f -", stdin=objects.replace("spce", "spec")).exit_code == 0
    assert cluster.kubectl("create -f -", stdin=objects.replace("spce", "spec")).remark == ""
    assert len(looked) == 90
    cluster.kubectl("delete pods --all --force")


def test_a_command_that_reads_no_manifest_has_no_remark(cluster):
    assert cluster.kubectl("get pods").remark == ""
    assert cluster.kubectl("create configmap a --from-file=b.yaml --dry-run=client -o yaml", files={"b.yaml": "a: 1\na: 2\n"}).remark == ""


def test_of_a_kind_that_somebody_defined_the_versions_are_known_too():
    cluster = Cluster(nodes=0)
    names = "{plural: shops, singular: shop, kind: Shop}"
    schema = "{openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}"
    versions = f"[{{name: v1, served: true, storage: true, schema: {schema}}}]"
    cluster.apply(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: shops.example.com}\n"
        f"spec: {{group: example.com, scope: Namespaced, names: {names}, versions: {versions}}}\n"
    )
    cluster.settle()
    shop = "apiVersion: example.com/v1\nkind: Shop\nmetadata:\n  name: one\nspec:\n  size: 3\n"
    assert "The apiVersion of Shop is example.com/v1." in _apply(cluster, "", shop.replace("/v1", "/v2")).remark
    two = shop.replace("size: 3", "size: large") + "---\n" + shop.replace("one", "two").replace("size", "sizes")
    assert [mark[:2] for mark in marks(_apply(cluster, "", two).remark)] == [(6, "size"), (13, "sizes")]


def test_a_key_that_stands_twice_is_told_though_kubectl_says_nothing(shown):
    manifest = POD.replace("    image: envoy\n", "    image: envoy\n    image: haproxy\n")
    said, found = shown(manifest)
    assert said == "pod/web created (server dry run)\n"
    assert found == [(11, "image", "image stands twice in one mapping, first in line 11: only the last one counts.")]
    twice = POD + "spec: {containers: [{name: a, imgae: b}]}\n"
    assert [mark[:2] for mark in shown(twice)[1]] == [(13, "imgae"), (13, "spec")]


def test_of_a_long_line_the_part_around_the_place_is_shown():
    many = ", ".join(["{name: y}"] * 99)
    line = f"spec: {{containers: [{{name: a, image: b, ports: [{many}], imag: c, env: [{many}]}}]}}"
    said = 'error: unknown field "spec.containers[0].imag"'
    _, shown_line, arrows, _ = pointer(POD.partition("spec")[0] + line, said, KINDS).split("\n")
    assert len(shown_line) <= WIDTH + 6
    assert shown_line[arrows.index("^") :].startswith("imag: c")


def test_a_japanese_letter_takes_two_columns():
    said = 'error: unknown field "metadata.title"'
    _, source, arrows, *_ = pointer("kind: Pod\nmetadata: {labels: {a: 日本}, title: x}\n", said, KINDS).split("\n")
    assert arrows.index("^") == source.index("title") + 2


@pytest.mark.parametrize(
    ("manifest", "line", "underlined"),
    [
        ("apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: fast}\nprovisioner: Not A Name\n", 4, "provisioner"),
        ("apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: vm}\nhandler: Not_A_Name\n", 4, "handler"),
    ],
)
def test_every_field_of_a_kind_is_found_not_only_its_spec(shown, manifest, line, underlined):
    assert places(shown(manifest)) == [(line, underlined)]


def test_what_names_no_field_points_nowhere():
    assert pointer(DEPLOYMENT, 'Error from server (NotFound): namespaces "shop" not found', KINDS) == ""
    assert pointer("", "error: no objects passed to apply", KINDS) == ""
    assert pointer(DEPLOYMENT, "", KINDS) == ""


def test_a_hostile_cell_is_answered_in_a_few_lines(cluster):
    for cell in ("[" * 20_000, "{a: " * 20_000, "a: [" + "{" * 5_000, "- " * 9_000, "a: b, " * 9_000):
        assert len(repr(_apply(cluster, "", cell))) < 1_000


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_hints_are_told_in_each_language(cluster, language):
    set_language(language)
    try:
        remark = _apply(cluster, "", POD.replace("Pod", "Pot")).remark
    finally:
        set_language(LANGUAGES[0])
    assert {"en": "Is Pod meant", "ja": "のことですか"}[language] in remark
