"""What is wrong is said in one line, with its place and its name, when the template is read or checked."""

import pytest

from gotemplate import TemplateError, parse
from tests.gotemplate.samples import NOW_AT, webhook_data

DATA = webhook_data({"Event": {"Kind": "SPOT_ITN", "StartTime": "2026-11-22T08:32:00Z"}})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ nope 1 }}", "1:4: function 'nope' is not defined"),
        (
            'a\nbc {{ if true }}{{ env "HOME" }}{{ end }}',
            "2:20: function 'env' is not supported: it would read",
        ),
        (
            "{{ if false }}{{ uuidv4 }}{{ end }}",
            "1:18: function 'uuidv4' is not supported: its result would be",
        ),
        (
            '{{ getHostByName "x" }}',
            "1:4: function 'getHostByName' is not supported: it would ask the network",
        ),
        ("{{ genCA }}", "1:4: function 'genCA' is not supported: a notification is no place for keys"),
        ("x {{ .Kind", "1:11: unclosed action"),
        ("{{ .Kind }", "1:10: unexpected '}' in operand"),
        ("{{ if .Kind }}\n\nx", "3:2: unexpected end of the template: an {{end}} is missing"),
        ("{{ end }}", "1:4: unexpected 'end' in input"),
        ("{{ $x }}", "1:4: undefined variable $x"),
        ("{{ $x = 1 }}", "1:4: undefined variable $x"),
        ('{{ if false }}\n{{ template "x" . }}{{ end }}', "2:4: template 'x' is not defined"),
        ('{{define "a"}}1{{end}}{{define "a"}}2{{end}}', "1:32: multiple definition of template 'a'"),
        ("{{ break }}", "1:4: {{break}} outside {{range}}"),
        ("{{ 1i }}", "1:4: complex numbers are not supported: 1i"),
        ("{{ 99999999999999999999 }}", "1:4: integer overflow: 99999999999999999999"),
        ('{{ "a\\q" }}', "1:4: invalid escape in a string or character"),
        ("{{ .Kind | 3 }}", "1:12: a constant cannot stand after a |"),
        ("{{ (.Kind }}", "1:11: unclosed left paren"),
        ("{{ . ! }}", "1:6: unexpected '!' in operand"),
        ("{{/* a }}", "1:3: unclosed comment"),
    ],
)
def test_W7_a_wrong_template_is_refused_when_it_is_read(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        parse(text)
    assert str(caught.value).startswith(f"template: webhook:{message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ if .Kind }}{{ else }}{{ .cat }}{{ end }}", "1:28: can't evaluate field cat in type main"),
        ("{{ range 2 }}{{ else }}{{ .cat }}{{ end }}", "1:27: can't evaluate field cat in type main"),
        ('{{ if .InProgress }}{{ repeat "x" "y" }}{{ end }}', "1:24: repeat: expected int; found 'x'"),
        ("{{ .cat }}", "1:4: can't evaluate field cat in type main.combinedDrainData"),
        ('{{ if eq .Kind "OTHER" }}\n  {{ .cat }}{{ end }}', "2:6: can't evaluate field cat in type"),
        (
            "{{ if .InProgress }}{{ upper .StartTime }}{{ end }}",
            "1:24: upper: wrong type for value; expected str",
        ),
        (
            "{{ if .InProgress }}{{ upper }}{{ end }}",
            "1:24: upper: wrong number of arguments for upper: want 1",
        ),
        ("{{ with .NodeLabels }}{{ $.cat }}{{ end }}", "1:26: can't evaluate field cat"),
        ("{{ range .Pods }}{{ .Name }}{{ end }}", "1:21: can't evaluate field Name in type string"),
        ("{{ range .Kind }}{{ end }}", "1:4: range can't iterate over a string"),
        (
            "{{ range $i, $j := len .Pods }}{{ end }}",
            "1:20: can't use 0 to iterate over more than one variable",
        ),
        (
            '{{ define "a" }}{{ .cat }}{{ end }}{{ if .InProgress }}{{ template "a" . }}{{ end }}',
            "1:20: can't eval",
        ),
        (
            "{{ $k := .Kind }}{{ if .InProgress }}{{ $k.cat }}{{ end }}",
            "1:41: can't evaluate field cat in type str",
        ),
        (
            "{{ if .InProgress }}{{ (.StartTime).Cat }}{{ end }}",
            "1:24: can't evaluate field Cat in type time.Time",
        ),
        ("{{ if .InProgress }}{{ .StartTime.Format 1 }}{{ end }}", "1:24: Format: expected string; found 1"),
        (
            '{{ if .InProgress }}{{ get .NodeLabels "a" }}{{ end }}',
            "1:24: get: wrong type for value; expected map",
        ),
        ("{{ if .InProgress }}{{ .Kind 1 }}{{ end }}", "1:24: Kind is not a method but has arguments"),
        ("{{ .Kind.cat }}", "1:4: can't evaluate field cat in type string"),
        ("{{ index .Pods 0 }}", "1:4: error calling index: index out of range: 0"),
        ('{{ fail "so\\nrry" }}', "1:4: error calling fail: so rry"),
    ],
)
def test_W7_what_would_fail_during_a_drain_is_refused_at_the_start(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        parse(text).check(DATA, NOW_AT)
    assert str(caught.value).startswith(f"template: webhook:{message}")


@pytest.mark.parametrize(
    "text",
    [
        "{{ .NodeLabels.anything }}{{ .NodeLabels.anything | default 1 }}",
        "{{ range $k, $v := .NodeLabels }}{{ $k | upper }}{{ $v | upper }}{{ end }}",
        '{{ if .InProgress }}{{ (dict "a" 1).b.c }}{{ (index .NodeLabels "x") | upper }}{{ end }}',
        "{{ range $i := 3 }}{{ $i }}{{ else }}{{ .Kind }}{{ end }}",
        '{{ $x := .Kind }}{{ if .InProgress }}{{ $x = dict "a" 1 }}{{ $x.a }}{{ end }}',
        '{{ define "a" }}{{ .anything }}{{ end }}{{ .Kind }}',
        '{{ define "t" }}{{ if .next }}{{ template "t" .next }}{{ end }}{{ end }}{{ template "t" dict }}',
        "{{ with .Description }}{{ . }}{{ else with .Kind }}{{ . | upper }}{{ else }}{{ .Kind }}{{ end }}",
        "{{ if .InProgress }}{{ .StartTime.Year | int64 }}{{ .StartTime.Month.String.x }}{{ end }}",
    ],
)
def test_what_may_be_right_passes_the_check(text: str) -> None:
    parse(text).check(DATA, NOW_AT)


def test_what_a_template_puts_into_a_message_is_cut_and_can_be_written() -> None:
    with pytest.raises(TemplateError) as caught:
        parse('{{ fail (print "\\xff" (repeat 1000 "a\\n")) }}').render(None, NOW_AT)
    assert str(caught.value).startswith("template: webhook:1:4: error calling fail: ?a a a")
    assert len(str(caught.value)) < 350


def test_the_templates_name_is_in_its_messages() -> None:
    with pytest.raises(TemplateError, match=r"^template: slack:1:4: function 'x' is not defined$"):
        parse("{{ x }}", "slack")
