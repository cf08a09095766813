"""No template hangs the handler: what goes beyond a limit is an error that says which, and where."""

import pytest

from gotemplate import TemplateError, parse
from gotemplate.budget import MAX_CHARACTERS, MAX_STEPS
from gotemplate.evaluator import Evaluator
from gotemplate.parser import parse_text
from gotemplate.run import Run
from gotemplate.values import GoSlice

LONG = '{{ $x := repeat 200000 "a" }}'
NESTED = "{{ $l := list 1 }}{{ range 40 }}{{ $l = list $l $l }}{{ end }}"
CYCLE = '{{ $d := dict }}{{ $_ := set $d "self" $d }}'
TOO_MUCH = [
    "{{ range 1000000000000 }}{{ end }}",
    "{{ range 10000000 }}x{{ . }}{{ end }}",
    "{{ range until 100000000 }}{{ end }}",
    "{{ range untilStep 0 9000000000000000000 1 }}{{ end }}",
    "{{ seq 1 900000000 }}",
    LONG + "{{ range 1000 }}{{ $y := upper $x }}{{ end }}",
    LONG + '{{ range 1000 }}{{ $y := contains "ab" $x }}{{ end }}',
    LONG + '{{ range 1000 }}{{ if eq $x "b" }}{{ end }}{{ $y := len $x }}{{ end }}',
    LONG + "{{ range 1000 }}{{ $y := quote $x }}{{ end }}",
    LONG + '{{ regexMatch "(a+)+$" $x }}',
    LONG + '{{ regexReplaceAll "(a|aa)*b" $x "c" }}',
    '{{ $l := splitList "" (repeat 5000 "a") }}{{ range 1000 }}{{ $y := uniq $l }}{{ end }}',
    '{{ $l := until 20000 }}{{ range 1000 }}{{ $y := append $l "b" }}{{ end }}',
    NESTED + "{{ $l }}",
    NESTED + "{{ toJson $l }}",
    NESTED + "{{ deepEqual $l $l }}",
    NESTED + "{{ deepCopy $l }}",
]
TOO_LONG = [
    '{{ repeat 1000000000 "a" }}',
    '{{ printf "%1000000d" 1 }}',
    '{{ printf "%.999999f" 1.0 }}',
    '{{ printf "%*s" 900000 "a" }}',
    '{{ indent 1000000 "a" }}',
    LONG + '{{ replace "a" "bbbbb" $x }}',
    LONG + '{{ replace "" "bbbbb" $x }}',
    LONG + "{{ $x }}{{ $x }}",
    LONG + "{{ print $x $x }}",
    '{{ $y := repeat 90000 "a" }}{{ toJson (list $y $y $y) }}',
    '{{ regexReplaceAll "a" (repeat 100 "a") (repeat 5000 "b") }}',
    '{{ join (repeat 100000 "a") (until 100) }}',
    '{{ wrapWith 1 (repeat 1000 "-") (repeat 1000 "a") }}',
]
TOO_DEEP = [
    '{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}',
    '{{ define "a" }}{{ template "b" }}{{ end }}{{ block "b" . }}{{ template "a" }}{{ end }}',
    "{{ range 200 }}" + "{{ end }}" + "{{ if 1 }}" * 200 + "{{ end }}" * 200,
    '{{ define "a" }}' + "{{ if 1 }}" * 40 + '{{ template "a" }}' + "{{ end }}" * 41 + '{{ template "a" }}',
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    CYCLE + "{{ $d }}",
    CYCLE + "{{ toJson $d }}",
    CYCLE + "{{ deepEqual $d (deepCopy $d) }}",
    CYCLE + "{{ merge $d $d }}{{ $e := dict }}{{ $_ := merge $e $d }}{{ $e }}",
    '{{ regexMatch "' + "(" * 400 + ")" * 400 + '" "a" }}',
]


@pytest.mark.parametrize("text", TOO_MUCH)
def test_too_many_steps_are_refused(text: str) -> None:
    with pytest.raises(
        TemplateError, match=rf"^template: webhook:1:\d+: .*does too much: more than {MAX_STEPS}"
    ):
        parse(text).render(None, 0.0)


@pytest.mark.parametrize("text", TOO_LONG)
def test_too_long_a_text_is_refused_before_it_is_made(text: str) -> None:
    with pytest.raises(TemplateError, match=rf"gets too long: more than {MAX_CHARACTERS}"):
        parse(text).render(None, 0.0)


@pytest.mark.parametrize("text", TOO_DEEP)
def test_too_deep_a_nesting_is_refused(text: str) -> None:
    with pytest.raises(TemplateError, match=r"(too deeply|nested deeper)"):
        parse(text).render(None, 0.0)


def test_templates_that_call_each_other_without_end_are_told_so() -> None:
    with pytest.raises(TemplateError, match="templates call each other too deeply: more than 50 levels"):
        parse(TOO_DEEP[0]).render(None, 0.0)


def test_a_too_long_template_is_refused() -> None:
    with pytest.raises(TemplateError, match=r"webhook:1:1: the template is longer than"):
        parse("x" * 200_000)


@pytest.mark.parametrize("pattern", ["a" * 1001, "(?:(?:a{1000}){1000}){1000}", "(((a{99}){99}){99})"])
def test_too_large_a_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(TemplateError, match="regular expression"):
        parse(f'{{{{ regexFind "{pattern}" "a" }}}}').render(None, 0.0)


def test_data_that_is_too_deep_is_refused() -> None:
    data: list[object] = []
    for _ in range(100):
        data = [data]
    with pytest.raises(TemplateError, match="nested too deeply"):
        parse("{{ . }}").render(data, 0.0)


def test_a_limit_is_not_swallowed_by_functions_that_swallow_errors() -> None:
    with pytest.raises(TemplateError, match="nested too deeply"):
        parse(CYCLE + "{{ toJson $d | empty }}").render(None, 0.0)


def test_a_large_notification_stays_far_below_the_limits() -> None:
    names = (f"namespace-{number % 9}/some-workload-7d9f8b6c5-{number:05d}" for number in range(300))
    text = (
        "{{ range $i, $p := . }}{{ if $i }}, {{ end }}"
        '{{ $n := splitList "/" $p }}{{ first $n }}: {{ last $n }}{{ end }}{{ toJson . }}'
    )
    run = Run(0.0)
    output = Evaluator(parse_text(text, "webhook"), run).render("webhook", GoSlice.of_strings(names))
    assert len(output) > 20_000
    assert MAX_STEPS - run.budget.steps < MAX_STEPS / 5


def test_what_is_not_supported_in_a_pattern_is_refused_also_where_a_wrong_pattern_is_no_match() -> None:
    assert parse('{{ regexMatch "(" "a" }}').render(None, 0.0) == "false"
    with pytest.raises(TemplateError, match=r"the class \\p{Greek} is not supported"):
        parse(r"{{ regexMatch `\p{Greek}` `a` }}").render(None, 0.0)
