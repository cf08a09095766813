"""Flag over variable over default; what is refused, replaced and warned of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nth.errors import SettingError
from nth.settings import Settings, as_printed, read_settings
from nth.settings.rows import Row
from nth.settings.table import TABLE
from tests.settings.reading import (
    METADATA_MODE,
    QUEUE_MODE,
    TEXTS,
    environ_for,
    environ_where_it_counts,
    read,
    refusal,
    settings_of,
    values_of,
)

ALL_ROWS = pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)


def test_nothing_given_gives_the_defaults() -> None:
    result = read_settings((), METADATA_MODE)
    assert result.settings == Settings(node_name="node-1")
    assert result.warnings == ()


@ALL_ROWS
def test_variable_wins_over_default(row: Row) -> None:
    text = next(text for text in values_of(row) if row.kind.parse(text) != row.default)
    settings = read(environ_for(row) | {row.variable: text} | _needed_by(row)).settings
    assert getattr(settings, row.name) == row.kind.parse(text)


@ALL_ROWS
def test_flag_wins_over_variable(row: Row) -> None:
    first, second, *_ = values_of(row)
    for in_variable, in_flag in ((first, second), (second, first)):
        environ = environ_for(row) | {row.variable: in_variable} | _needed_by(row)
        settings = read(environ, f"{row.flag}={in_flag}").settings
        assert getattr(settings, row.name) == row.kind.parse(in_flag)


def _needed_by(row: Row) -> dict[str, str]:
    return {"QUEUE_URL": "http://queue.example"} if row.name == "enable_sqs_termination_draining" else {}


@pytest.mark.parametrize("row", [row for row in TABLE if row.name != "node_name"], ids=lambda row: row.name)
def test_empty_variable_is_not_set(row: Row) -> None:
    assert read({row.variable: ""}) == read({})


@pytest.mark.parametrize("row", [row for row in TABLE if row.kind.allowed], ids=lambda row: row.name)
def test_wrong_value_is_refused_with_flag_variable_value_and_what_is_allowed(row: Row) -> None:
    value = "<provided-not-displayed>" if row.secret else "'wrong value'"
    expected = f"{row.flag} ({row.variable}) is {value}; allowed: {row.kind.allowed}"
    counts = environ_where_it_counts(row)
    assert refusal((f"{row.flag}=wrong value",), counts) == expected
    assert refusal((), counts | {row.variable: "wrong value"}) == expected


def test_wrong_variable_does_not_matter_when_the_flag_wins() -> None:
    assert read(QUEUE_MODE | {"WORKERS": "many"}, "--workers=3").settings.workers == 3


def test_empty_flag_is_a_value() -> None:
    assert read({"KUBECONFIG": "/a"}, "--kubeconfig=").settings.kubeconfig == ""
    assert refusal(("--workers=",), QUEUE_MODE).startswith("--workers (WORKERS) is ''; allowed: ")


def test_first_fault_in_the_order_of_the_table_is_told() -> None:
    message = refusal(("--log-level=loud", "--workers=0", "--kube-api-qps=x"), QUEUE_MODE)
    assert message.startswith("--workers (WORKERS) is '0'")


def test_cause_of_a_refusal_is_not_chained() -> None:
    with pytest.raises(SettingError) as raised:
        read_settings(("--webhook-headers={S3CRET", "--webhook-url=http://a"), METADATA_MODE)
    assert raised.value.__context__ is None
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    ("text", "level"),
    [("info", "INFO"), ("Debug", "DEBUG"), ("ERROR", "ERROR"), ("warn", "WARN"), ("warning", "WARNING")],
)
def test_V1_log_level_in_any_case(text: str, level: str) -> None:
    assert settings_of(f"--log-level={text}").log_level == level


def test_V1_another_log_level_is_refused() -> None:
    assert refusal((), METADATA_MODE | {"LOG_LEVEL": "trace"}) == (
        "--log-level (LOG_LEVEL) is 'trace'; allowed: DEBUG, INFO, WARN, WARNING or ERROR"
    )


@pytest.mark.parametrize(
    ("text", "version"), [("0", 1), ("-7", 1), ("3", 2), ("99999999999", 2)], ids=["0", "-7", "3", "huge"]
)
def test_V2_log_format_version_is_clamped_with_a_warning(text: str, version: int) -> None:
    result = read({"LOG_FORMAT_VERSION": text})
    assert result.settings.log_format_version == version
    assert result.warnings == (
        f"--log-format-version (LOG_FORMAT_VERSION) is '{text}'; the nearer of 1 and 2 is used",
    )


@pytest.mark.parametrize("text", ["1", "2"])
def test_V2_log_format_version_in_range_is_not_warned_of(text: str) -> None:
    result = read({"LOG_FORMAT_VERSION": text})
    assert (result.settings.log_format_version, result.warnings) == (int(text), ())


@pytest.mark.parametrize("text", ["0", "120", "-1"])
def test_V5_visibility_timeout_out_of_range_is_refused_in_queue_mode(text: str) -> None:
    assert refusal((f"--sqs-msg-visibility-timeout-sec={text}",), QUEUE_MODE).endswith(
        "allowed: a whole number, 1 to 119"
    )


@pytest.mark.parametrize("text", ["29", "3601", "0"])
def test_V4_heartbeat_interval_out_of_range_is_refused(text: str) -> None:
    assert refusal((f"--heartbeat-interval={text}",)).endswith("30 to 3600, or -1 for off")


@pytest.mark.parametrize("text", ["59", "172801", "0"])
def test_V4_heartbeat_until_out_of_range_is_refused(text: str) -> None:
    assert refusal((f"--heartbeat-until={text}",)).endswith("60 to 172800, or -1 for off")


DEPRECATED = pytest.mark.parametrize(
    ("old", "new", "text", "other"),
    [
        pytest.param("GRACE_PERIOD", "POD_TERMINATION_GRACE_PERIOD", "7", "8", id="grace period"),
        pytest.param("MANAGED_ASG_TAG", "MANAGED_TAG", "old", "new", id="managed tag"),
        pytest.param(
            "CHECK_ASG_TAG_BEFORE_DRAINING", "CHECK_TAG_BEFORE_DRAINING", "false", "true", id="check tag"
        ),
    ],
)


def _row(variable: str) -> Row:
    return next(row for row in TABLE if row.variable == variable)


@DEPRECATED
def test_V6_deprecated_setting_alone_takes_effect_with_a_warning(
    old: str, new: str, text: str, other: str
) -> None:
    result = read({old: text})
    assert getattr(result.settings, _row(new).name) == _row(new).kind.parse(text)
    assert result.warnings == (f"{_row(old)} is deprecated; use {_row(new)}",)


@DEPRECATED
def test_V6_new_setting_wins_over_the_deprecated_with_a_warning(
    old: str, new: str, text: str, other: str
) -> None:
    # Even a variable over a flag: the user has already moved on.
    result = read({new: other}, f"{_row(old).flag}={text}")
    assert getattr(result.settings, _row(new).name) == _row(new).kind.parse(other)
    assert result.warnings == (
        f"{_row(old)} is deprecated and ignored, because both are given; use {_row(new)}",
    )


@DEPRECATED
def test_V6_new_setting_alone_is_not_warned_of(old: str, new: str, text: str, other: str) -> None:
    assert read({new: other}).warnings == ()


def test_V7_api_server_address_is_a_setting() -> None:
    settings = read({"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}).settings
    assert (settings.kubernetes_service_host, settings.kubernetes_service_port) == ("fd00::1", "443")


SECRET = "S3CRET"
few_characters = st.text(st.sampled_from('a0-=:/@ {}"\n\r\0\u2028\u00e9\ud800'), max_size=8)
secret_texts = st.builds("{}{}{}".format, few_characters, st.just(SECRET), few_characters) | st.sampled_from(
    (f"https://hooks.example/{SECRET}", f'{{"Authorization": "{SECRET}"}}', f"https://{SECRET}:x")
)
proxies = st.sampled_from(
    (f"http://user:{SECRET}@proxy.example", f"user:{SECRET}@proxy", f"http://{SECRET}@:x")
)
harmless_texts = st.sampled_from(TEXTS) | st.integers(-3, 200_000).map(str) | few_characters


def _text_for(row: Row) -> st.SearchStrategy[str]:
    if row.secret:
        return secret_texts
    return proxies if row.name == "webhook_proxy" else st.sampled_from(values_of(row)) | harmless_texts


given_texts = st.one_of([st.tuples(st.just(row), _text_for(row)) for row in TABLE])
flag_forms = st.sampled_from(("{0}={1}", "-{0}={1}", "-{0}\N{RECORD SEPARATOR}{1}", "{1}", "--{0}x={1}"))
words = st.builds(
    lambda form, chosen: form.format(chosen[0].flag.removeprefix("-"), chosen[1]).split(
        "\N{RECORD SEPARATOR}"
    ),
    flag_forms,
    given_texts,
)
switches = st.sampled_from([[row.flag] for row in TABLE if row.kind.switch])
arguments = st.lists(words | switches, max_size=6).map(
    lambda lists: [word for each in lists for word in each]
)
environments = st.lists(given_texts, max_size=6).map(
    lambda chosen: {row.variable: text for row, text in chosen}
)


@given(arguments, environments, st.booleans())
def test_any_input_gives_settings_or_one_line_and_never_shows_a_secret(
    argv: list[str], environ: dict[str, str], with_node_name: bool
) -> None:
    said = _said(argv, environ | (METADATA_MODE if with_node_name else {}))
    assert all(len(line.splitlines()) == 1 for line in said)
    assert SECRET not in "".join(said)


def _said(argv: list[str], environ: dict[str, str]) -> list[str]:
    """All that a person sees of what was read."""
    try:
        result = read_settings(argv, environ)
    except SettingError as error:
        message = str(error)
    else:
        return [*result.warnings, repr(as_printed(result.settings))]
    assert message.startswith(("there is no flag ", "argument ")) or any(str(row) in message for row in TABLE)
    return [message]
