"""How Python's values become Go's, and what a rendering can do to them."""

import pytest

from gotemplate import TemplateError, parse
from gotemplate.durations import Duration
from gotemplate.run import Zone
from gotemplate.times import GoTime
from gotemplate.values import GoField, GoMap, GoSlice, GoStruct, go_value
from tests.gotemplate.samples import NOW_AT


def rendered(text: str, data: object) -> str:
    return parse(text).render(data, NOW_AT)


@pytest.mark.parametrize(
    ("value", "type_", "text", "json"),
    [
        ("a", "string", "a", '"a"'),
        (1, "int", "1", "1"),
        (1.0, "float64", "1", "1"),
        (True, "bool", "true", "true"),
        (None, "<nil>", "<no value>", "null"),
        ([1, "a"], "[]interface {}", "[1 a]", '[1,"a"]'),
        ((1, 2), "[]interface {}", "[1 2]", "[1,2]"),
        ({"b": 1, "a": None}, "map[string]interface {}", "map[a:<nil> b:1]", '{"a":null,"b":1}'),
        (GoSlice.of_strings(["a"]), "[]string", "[a]", '["a"]'),
        (GoSlice(element="string", is_nil=True), "[]string", "[]", "null"),
        (GoMap({"a": "b"}, "string"), "map[string]string", "map[a:b]", '{"a":"b"}'),
        (GoMap(element="string", is_nil=True), "map[string]string", "map[]", "null"),
        (GoTime(1795336320), "time.Time", "2026-11-22 08:32:00 +0000 UTC", '"2026-11-22T08:32:00Z"'),
        (GoTime(), "time.Time", "0001-01-01 00:00:00 +0000 UTC", '"0001-01-01T00:00:00Z"'),
        (Duration(90_000_000_000), "time.Duration", "1m30s", "90000000000"),
        (GoStruct("a.B", [GoField("C", 1, "c"), GoField("D", 2, "-")]), "a.B", "{1 2}", '{"c":1}'),
    ],
)
def test_a_value_has_gos_type_and_texts(value: object, type_: str, text: str, json: str) -> None:
    assert rendered('{{ printf "%T" .v }}', {"v": value}) == type_
    assert rendered("{{ .v }}", {"v": value}) == text
    assert rendered("{{ toJson .v }}", {"v": value}) == json


@pytest.mark.parametrize(
    ("value", "message"), [(1 << 63, "64 bits"), ({1: 2}, "key is a int"), (object(), "object")]
)
def test_what_go_has_not_is_refused(value: object, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        rendered("{{ . }}", value)


def test_a_rendering_does_not_change_the_data() -> None:
    data = {"map": {"a": 1}, "list": GoSlice.of_strings(["b", "a"])}
    text = '{{ $_ := set .map "b" 2 }}{{ $_ := unset .map "a" }}{{ sortAlpha .list }}{{ .list }}'
    assert rendered(text, data) == "[a b][a b]"
    assert data["map"] == {"a": 1}
    assert rendered("{{ .list }}", data) == "[b a]"


def test_W3_the_outer_field_wins_and_ambiguous_ones_are_not_there() -> None:
    first = GoStruct("p.A", [GoField("Both", 1), GoField("OnlyA", "a"), GoField("Outer", 3)])
    second = GoStruct("p.B", [GoField("Both", 2), GoField("OnlyB", "b")])
    data = GoStruct(
        "p.C", [GoField("A", first, embedded=True), GoField("B", second, embedded=True), GoField("Outer", 0)]
    )
    assert rendered("{{ .OnlyA }}{{ .OnlyB }}{{ .Outer }}{{ .A.Outer }}{{ .B.Both }}", data) == "ab032"
    assert rendered("{{ toJson . }}", data) == '{"OnlyA":"a","OnlyB":"b","Outer":0}'
    with pytest.raises(TemplateError, match="can't evaluate field Both"):
        rendered("{{ .Both }}", data)


def test_lone_surrogates_and_cut_characters_become_replacement_characters() -> None:
    assert rendered("{{ . }}", "a\ud800b\udcff") == "a\ufffdb\ufffd"
    assert rendered("{{ trunc 4 . }}", "日本") == "日\ufffd"
    assert rendered("{{ trunc 3 . }}{{ substr 3 6 . }}{{ len . }}", "日本") == "日本6"
    assert rendered("{{ trunc 4 . }}{{ substr 4 6 . }}", "日本") == "日本", "the halves are whole again"


def test_W7_zones_come_from_the_caller_and_unknown_ones_are_utc() -> None:
    def zone_of(name: str) -> Zone | None:
        summer = {"Europe/Berlin": (7200, "CEST"), "Local": (-3600, "-01")}.get(name)
        return None if summer is None else Zone(name, lambda _: summer)

    text = (
        '{{ dateInZone "15:04 MST" 0 "Europe/Berlin" }} '
        '{{ dateInZone "15:04 MST" 0 "Mars" }} {{ date "15:04" 0 }}'
    )
    assert parse(text).render(None, NOW_AT, zone_of) == "02:00 CEST 00:00 UTC 23:00"
    assert parse(text).render(None, NOW_AT) == "00:00 UTC 00:00 UTC 00:00"


def test_now_and_ago_go_by_the_clock_that_is_given() -> None:
    text = "{{ now.Unix }} {{ ago (now.Add -90000000000) }} {{ ago 0 }}"
    assert parse(text).render(None, 100_000.5) == "100000 1m30s 27h46m41s"
    assert parse("{{ durationRound (now.AddDate 0 0 -3) }}").render(None, 100_000.5) == "3d"


def test_a_copy_is_made_of_what_is_in_structs_too() -> None:
    inner = GoMap({"a": 1})
    copy = go_value(GoStruct("p.A", [GoField("M", inner)]))
    assert isinstance(copy, GoStruct)
    assert copy.found["M"] is not inner
