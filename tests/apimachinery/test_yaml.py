"""Manifests mean what they mean to kubectl, and errors point where kubectl points."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.apimachinery.yaml import MAX_BYTES, Document, Mark, Repeated, YamlError, documents, dump, locate, resolve
from k8snb.apimachinery.yaml_loader import DeepLoader


def one(text: str) -> Document:
    (found,) = documents(text)
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("y", True), ("NO", False), ("off", False), ("~", None), ("", None), ("0400", 256), ("0o400", 256), ("0b11", 3), ("0x1F", 31),
        ("1_000", 1000), ("+1", 1), ("1e3", 1000), ("2.0", 2), ("0.5", 0.5), ("08", 8), ("12:30:45", "12:30:45"), ("=", "="),
        ("2024-01-01", "2024-01-01"), ("1.2.3", "1.2.3"), ("yes please", "yes please"), ("99999999999999999999", 10**20),
        ("1e400", "1e400"), ("0x7fffffffffffffffff", "0x7fffffffffffffffff"), ("1e30", 1e30),
    ],
)  # fmt: skip
def test_a_plain_scalar_means_what_gos_yaml_makes_of_it(text, value):
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)


def test_of_two_equal_keys_the_last_wins_and_keys_are_text():
    assert one("a: 1\na: 2\nyes: 3\n1.50: 4\n").value == {"a": 2, "true": 3, "1.5": 4}


def test_keys_that_stand_twice_are_told_with_their_first_and_their_last_place():
    assert one("---\na: {b: 1}\nc: {b: 1, d: 2, b: 3}\na: 2\n").repeated == (
        Repeated("b", Mark(3, 4), Mark(3, 16)),
        Repeated("a", Mark(2), Mark(4)),
    )
    assert one("base: &b {x: 1}\nmine: {<<: *b, x: 2}\n").repeated == ()


def test_a_merged_mapping_gives_way_to_the_keys_beside_it():
    assert one("base: &b {x: 1, y: 2}\nmine:\n  x: 5\n  <<: *b\n").value["mine"] == {"x": 5, "true": 2}


def test_an_escaped_single_quote_an_unknown_tag_a_bom_and_crlf_are_fine():
    assert one('\ufeffa: "it\\\'s"\r\nb: !mine x\r\n').value == {"a": "it's", "b": "x"}


def test_a_stream_is_split_at_lines_of_three_dashes_and_empty_documents_are_skipped():
    found = list(documents("---\na: 1\n---\n# nothing\n---\nb: 2\n"))
    assert [(d.value, d.first_line) for d in found] == [({"a": 1}, 1), ({"b": 2}, 6)]


def test_json_several_values_and_flow_style_are_read():
    assert [d.value for d in documents('{"a": 1}\n{"b": [true, null]}')] == [{"a": 1}, {"b": [True, None]}]
    assert one("{a: 1, b: [x,],}").value == {"a": 1, "b": ["x"]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a:\n  b: 1\n c: 2\n", "error converting YAML to JSON: yaml: line 2: did not find expected key"),
        ("a: b: c\n", "error converting YAML to JSON: yaml: mapping values are not allowed in this context"),
        ("x: 1\na: b: c\n", "error converting YAML to JSON: yaml: line 2: mapping values are not allowed in this context"),
        ("a: *b\n", "error converting YAML to JSON: yaml: unknown anchor 'b' referenced"),
        ("{{ .Values.x }}", "json: offset 2: invalid character '{' looking for beginning of object key string"),
    ],
)
def test_a_syntax_error_is_told_in_kubectls_words(text, words):
    with pytest.raises(YamlError) as refused:
        list(documents(text))
    assert str(refused.value) == words


def test_documents_before_a_broken_one_can_be_used():
    stream = documents("a: 1\n---\nb: [\n")
    assert next(stream).value == {"a": 1}
    with pytest.raises(YamlError) as refused:
        next(stream)
    assert refused.value.mark.line == 4


def test_bombs_do_not_go_off():
    laughs = (
        "a: &a ["
        + ",".join("x" * 9)
        + "]\n"
        + "".join(f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True))
    )
    for text, words in (
        (laughs, "excessive aliasing"),
        ("[" * 2000 + "]" * 2000, "max depth of 256"),
        ("[" * 10_001 + "]" * 10_001, "max depth of 10000"),
        ("[" * 2000 + "]" * 1999 + "}", "did not find expected ',' or ']'"),
        ("[" * 2000, "did not find expected node content"),
        ("a: &a [*a]", "contains itself"),
        ("x" * MAX_BYTES + "x", "too large"),
    ):
        with pytest.raises(YamlError, match=words):
            list(documents(text))


def test_the_time_grows_with_the_text_however_deep_it_goes(monkeypatch):
    looked = []
    stale = DeepLoader._stale
    monkeypatch.setattr(DeepLoader, "_stale", lambda loader, key: looked.append(key) or stale(loader, key))
    with pytest.raises(YamlError, match="max depth of 256"):
        list(documents("[" * 9000 + "]" * 9000))
    assert len(looked) < 20 * 9000  # about seven for each token; it was one for each token and open bracket


def test_a_field_path_leads_to_its_line():
    text = "---\nmetadata:\n  labels:\n    app.kubernetes.io/name: x\nspec:\n  containers:\n  - name: a\n  - name: b\n    image: c\n"
    paths = ("spec.containers[1].image", "metadata.labels[app.kubernetes.io/name]", "spec.containers[1].ports")
    assert [locate(text, path).line for path in paths] == [9, 4, 8]
    assert locate(text, "status") == Mark(2, 0, 1, exact=False)
    assert locate(text, ("spec", "containers", 1, "image")) == Mark(9, 4, 5)


def test_writing_sorts_keys_leaves_lists_unindented_and_quotes_what_would_be_misread():
    obj = {"b": ["x", {"c": None}], "a10": "y", "a2": "1e3", "d": "2024-01-01", "e": "two\nlines\n", "f": {}, "g": [], "h": "it's: so"}
    assert dump(obj) == (
        'a2: "1e3"\na10: "y"\nb:\n- x\n- c: null\nd: "2024-01-01"\ne: |\n  two\n  lines\nf: {}\ng: []\nh: \'it\'\'s: so\'\n'
    )


text = st.text(st.characters(min_codepoint=9, max_codepoint=0x2FFF, exclude_categories=("Cs",)), max_size=30).filter(lambda t: t != "<<")
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | text,
    lambda v: st.lists(v, max_size=3) | st.dictionaries(text, v, max_size=3),
)


@given(st.dictionaries(st.text("ab01-._", max_size=4), values, min_size=1, max_size=4))
def test_what_is_written_reads_back_the_same(value):
    assert one("---\n" + dump(value)).value == value
    assert one(json.dumps(value)).value == value


NULL_KEY = (
    "error converting YAML to JSON: unsupported map key of type: %!s(<nil>), key: <nil>, value: []interface {}{1.5, interface {}(nil)}"
)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a: b\n--- c\n", "invalid Yaml document separator: c"),
        ('a: b\nc: "d', "error converting YAML to JSON: yaml: line 3: found unexpected end of stream"),
        ("a: !!int x\n", "error converting YAML to JSON: yaml: cannot decode !!str `x` as a !!int"),
        ("a: !!int 1e3\n", "error converting YAML to JSON: yaml: cannot decode !!float `1e3` as a !!int"),
        ("a: !!timestamp x\n", "error converting YAML to JSON: yaml: cannot decode !!str `x` as a !!timestamp"),
        ("a: !!binary '?'\n", "error converting YAML to JSON: yaml: !!binary value contains invalid base64 data"),
        ("~: [1.5, ~]\n", NULL_KEY),
        ("b: [.inf]\na: -.INF\n", "error converting YAML to JSON: json: unsupported value: -Inf"),
        ("a: .nan\n", "error converting YAML to JSON: json: unsupported value: NaN"),
        ("? {b: 1, a: 2}\n: x\n", 'error converting YAML to JSON: yaml: invalid map key: map[interface {}]interface {}{"a":2, "b":1}'),
        ('{"a": ["[", {"b": 1}\n}', "json: offset 22: invalid character '}' after array element"),
    ],
)
def test_what_real_kubectl_said_of_rare_mistakes(text: str, error: str) -> None:
    with pytest.raises(YamlError) as refused:
        list(documents(text))
    assert str(refused.value) == error
