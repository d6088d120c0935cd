"""Errors in Kubernetes' words, and the line of the cell that they are about."""

from k8snb.notebook.pointing import paths, places, pointer

MANIFEST = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replcas: 3
  selector:
    matchLabels: {app: web}
  template:
    spec:
      containers:
      - name: nginx
        image: nginx
      - name: Bad_Name
        image: nginx
"""
STRICT = 'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.replcas"'
UNKNOWN = f'Error from server (BadRequest): error when creating "STDIN": {STRICT}'
SEVERAL = """The Deployment "web" is invalid:
* spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`
* spec.template.spec.containers[1].name: Invalid value: "Bad_Name": a lowercase RFC 1123 label must consist of ...
"""


def test_an_unknown_field_is_underlined_in_its_line():
    assert pointer(MANIFEST, UNKNOWN) == "line 7 of this cell\n  │   replcas: 3\n  │   ^^^^^^^"


def test_every_cause_has_its_place_and_a_missing_field_its_nearest_ancestor():
    first, second = places(MANIFEST, SEVERAL)
    assert MANIFEST.splitlines()[first.line - 2].strip() == "template:"
    assert MANIFEST.splitlines()[second.line - 2].strip() == "- name: Bad_Name"


def test_one_cause_stands_on_the_first_line():
    said = 'The Deployment "web" is invalid: spec.selector: Required value'
    assert paths(said) == [("spec", "selector")]
    assert MANIFEST.splitlines()[places(MANIFEST, said)[0].line - 2].strip() == "selector:"


def test_yaml_that_cannot_be_read_points_at_the_line_that_is_named():
    said = "error: error parsing STDIN: error converting YAML to JSON: yaml: line 2: found character that cannot start any token"
    assert pointer("a: 1\n\tb: 2\n", said) == "line 3 of this cell\n  │ \tb: 2\n  │  ^^^^"


def test_the_document_that_has_the_field_is_the_one_that_is_meant():
    two = "kind: A\nspec: {}\n---\nkind: B\nspec:\n  wrong: 1\n"
    assert [place.line for place in places(two, 'unknown field "spec.wrong"')] == [7]


def test_a_wrong_type_is_found_by_the_path_that_go_prints():
    said = "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replcas of type int32"
    assert [place.line for place in places(MANIFEST, said)] == [7]


def test_the_places_stand_in_the_order_in_which_the_answer_names_them():
    said = 'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32\nunknown field "spec.container"'
    assert paths(said) == [("spec", "replicas"), ("spec", "container")]


def test_what_names_no_field_points_nowhere():
    assert pointer(MANIFEST, 'Error from server (NotFound): namespaces "shop" not found') == ""
    assert pointer("{", 'unknown field "spec.x"') == ""
