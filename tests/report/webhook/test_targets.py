"""Which target wants what, and the file that names them: every fault is one line without a value."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from nth.errors import SettingError
from nth.report.webhook.announcement import Announcement
from nth.report.webhook.samples import check_target, samples
from nth.report.webhook.target import DEFAULT_HEADERS, BodyTemplate, Target, usual_target
from nth.report.webhook.targets import KINDS, PROXY_SCHEMES, read_targets
from nth.settings.kinds import PROXY
from nth.settings.kinds import PROXY_SCHEMES as SETTING_SCHEMES

T0 = 1_795_336_200.0
PATH = "/config/targets.yaml"
URL = "https://hooks.example/services/secret"
LINE = "--webhook-targets-file (WEBHOOK_TARGETS_FILE): /config/targets.yaml"


def usual(**changes: object) -> Target:
    template = BodyTemplate("{{ .NodeName }}", "--webhook-template (WEBHOOK_TEMPLATE)")
    target = usual_target(
        template, url=URL, headers='{"Authorization": "word"}', proxy="http://proxy:3128", tries=2
    )
    return replace(target, **changes)  # type: ignore[arg-type]  # a test names the fields


def read(text: str, files: Mapping[str, str] | None = None) -> tuple[Target, ...]:
    known = {PATH: text, **(files or {})}

    def read_text(path: str) -> str:
        if path not in known:
            raise FileNotFoundError(2, "No such file or directory", path)
        return known[path]

    return read_targets(PATH, usual(phases=frozenset({"failed"})), read_text)


def fault(text: str, files: Mapping[str, str] | None = None) -> str:
    with pytest.raises(SettingError) as caught:
        read(text, files)
    message = str(caught.value)
    assert message.startswith(LINE)
    assert "\n" not in message
    assert "secret" not in message
    return message.removeprefix(LINE)


FULL = """
- name: chat
  urlFile: /secrets/chat
  headers: {Content-Type: application/json, X-Token: abc}
  proxy: ""
  templateFile: /templates/slack.tmpl
  phases: [received, replaced]
  kinds: [SPOT_ITN]
  nodeLabels: {team: shop}
  tries: 5
- name: plain
  url: https://hooks.example/services/secret
"""
FILES = {"/secrets/chat": f"{URL}\n", "/templates/slack.tmpl": "{{ .Report }}"}


def test_targets_are_read_from_yaml_with_their_files() -> None:
    chat, plain = read(FULL, FILES)
    assert (chat.name, chat.url, chat.host, chat.proxy, chat.tries) == ("chat", URL, "hooks.example", "", 5)
    assert chat.headers == {"Content-Type": "application/json", "X-Token": "abc"}
    assert (chat.phases, chat.kinds) == (frozenset({"received", "replaced"}), frozenset({"SPOT_ITN"}))
    assert chat.node_labels == {"team": "shop"}
    assert chat.template.wants_report
    assert (plain.proxy, plain.tries, plain.phases) == ("http://proxy:3128", 2, frozenset({"failed"}))
    assert plain.template.source == "--webhook-template (WEBHOOK_TEMPLATE)"
    assert not plain.template.wants_report


def test_headers_of_one_receiver_are_never_sent_to_another() -> None:
    _, plain = read(FULL, FILES)
    assert usual().headers == {"Authorization": "word"}
    assert plain.headers == DEFAULT_HEADERS


def test_targets_are_read_from_json_with_tabs() -> None:
    (target,) = read(f'[\n\t{{"name": "a",\n\t"url": "{URL}"}}\n]')
    assert target.name == "a"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {name: a, url: 'ftp://secret'}", ", target 'a', url is wrong; allowed: a URL that begins with"),
        ("- {name: a}", ", target 'a', url is wrong; allowed: a URL, or urlFile in its place"),
        (f"- {{name: a, url: '{URL}', urlFile: /f}}", ", target 'a', url is wrong; allowed"),
        ("- {name: a, urlFile: /none}", ", target 'a', urlFile cannot be read: No such file or directory"),
        ("- {name: a, urlFile: /secret-file}", ", target 'a', urlFile is wrong; allowed: a URL"),
        (
            f"- {{name: a, url: '{URL}', phases: [drain]}}",
            ", target 'a', phases is wrong; allowed: any of received",
        ),
        (
            f"- {{name: a, url: '{URL}', kinds: [SPOT]}}",
            ", target 'a', kinds is wrong; allowed: any of SPOT_ITN",
        ),
        (f"- {{name: a, url: '{URL}', tries: 0}}", ", target 'a', tries is wrong; allowed: 1 to 20"),
        (f"- {{name: a, url: '{URL}', proxy: x}}", ", target 'a', proxy is wrong; allowed"),
        (f"- {{name: a, url: '{URL}', proxy: 'tcp://x'}}", ", target 'a', proxy is wrong; allowed"),
        (f"- {{name: a, url: '{URL}', headers: {{a: 'ü'}}}}", ", target 'a', headers is wrong; allowed"),
        (f"- {{name: a, url: '{URL}', headers: {{a: 1}}}}", ", target 'a': Expected `str`, got `int`"),
        (f"- {{name: a, url: '{URL}', template: x, templateFile: y}}", ", target 'a', template is wrong"),
        (
            f"- {{name: a, url: '{URL}', template: '{{{{ nope }}}}'}}",
            ", target 'a', template cannot be used: template",
        ),
        (f"- {{name: a, url: '{URL}', webhook: x}}", ", target 'a': Object contains unknown field `webhook`"),
        (f"- {{url: '{URL}'}}", ", target 1: Object missing required field `name`"),
        (f"- {{name: '', url: '{URL}'}}", ", target '', name is wrong; allowed: 1 to 63"),
        (
            f"- {{name: a, url: '{URL}'}}\n- {{name: a, url: '{URL}'}}",
            ", target 'a': there is another of that name",
        ),
        (f"- {{name: webhook, url: '{URL}'}}", ", target 'webhook': there is another of that name"),
        (f"name: a\nurl: {URL}", " is no list of targets"),
        ("", " is no list of targets"),
        ("- 5", ", target 1: Expected `object`, got `int`"),
        ("- {name: secret", " is neither YAML nor JSON (line 2, column 1)"),
        ("- !!python/object:os.system {}", " is neither YAML nor JSON"),
    ],
)
def test_fault_names_file_target_and_field_and_no_value(text: str, said: str) -> None:
    message = fault(text, {"/secret-file": "not a url, but a secret"})
    assert message.startswith(said)


@pytest.mark.parametrize("proxy", ["http://squid", "tcp://squid:3128", "socks5://squid", "socks5h://squid:1"])
def test_W5_target_has_any_proxy_that_the_setting_may_be(proxy: str) -> None:
    (target,) = read(f"- {{name: a, url: '{URL}', proxy: '{proxy}'}}")
    assert target.proxy == PROXY.parse(proxy) == proxy


def test_proxies_of_targets_are_those_of_the_setting() -> None:
    assert PROXY_SCHEMES == SETTING_SCHEMES


def test_file_that_is_not_there_is_named() -> None:
    def read_text(path: str) -> str:
        raise PermissionError(13, "Permission denied", path)

    with pytest.raises(SettingError, match=r"targets\.yaml cannot be read: Permission denied"):
        read_targets(PATH, usual(), read_text)


def test_secrets_are_not_in_the_text_of_a_target() -> None:
    target = usual()
    assert "secret" not in repr(target)
    assert "word" not in repr(target)
    assert "proxy" not in repr(target)


# What a target wants


def wanted(target: Target, labels: Mapping[str, str] | None = None) -> list[str]:
    return [phase for phase, one in samples(T0).items() if target.wants(one, labels or {})]


def test_W1_without_phases_a_target_gets_the_end_of_the_attempt_only() -> None:
    assert wanted(usual()) == ["drained", "failed"]
    once: Announcement = replace(samples(T0)["drained"], attempt=False)
    assert not usual().wants(once, {})


def test_phases_are_told_as_set() -> None:
    assert wanted(usual_target(usual().template, phases=" replaced , received")) == ["received", "replaced"]
    with pytest.raises(ValueError, match="drain"):
        usual_target(usual().template, phases="drain")


def test_kinds_match_any_event_of_the_session_and_what_is_not_known() -> None:
    drained = samples(T0)["drained"]
    assert usual(kinds=frozenset({"REBALANCE_RECOMMENDATION"})).wants(drained, {})
    assert not usual(kinds=frozenset({"STATE_CHANGE"})).wants(drained, {})
    resumed = replace(drained, kinds=frozenset())
    assert usual(kinds=frozenset({"STATE_CHANGE"})).wants(resumed, {})
    assert set(KINDS) == {
        "SPOT_ITN",
        "REBALANCE_RECOMMENDATION",
        "SCHEDULED_EVENT",
        "ASG_LIFECYCLE",
        "STATE_CHANGE",
    }


def test_node_labels_must_all_match() -> None:
    target = usual(node_labels={"team": "shop", "tier": "web"})
    drained = samples(T0)["drained"]
    assert target.wants(drained, {"team": "shop", "tier": "web", "more": "x"})
    assert not target.wants(drained, {"team": "shop"})
    assert not target.wants(drained, {})


# The check at the start


def checked(text: str, phases: str = "", headers: str = "") -> tuple[str, ...]:
    template = BodyTemplate(text, "--webhook-template (WEBHOOK_TEMPLATE)")
    return check_target(usual_target(template, url=URL, phases=phases, headers=headers), T0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ .NodeName ", r"webhook:1:\d+"),
        ("{{ nope }}", r"webhook:1:4: .*nope"),
        ("\n\n  {{ .Typo }}", r"webhook:3:6: .*Typo"),
        ('{{ if eq .Phase "failed" }}{{ .Typo }}{{ end }}', r"Typo"),
        ('{{ if eq .Kind "STATE_CHANGE" }}{{ .Typo }}{{ end }}', r"Typo"),
        ("{{ index .Pods 0 }}", r"index"),
        ("{{ (index .Events 0).Kind }}", r"index"),
    ],
)
def test_W7_template_that_cannot_be_used_ends_the_start_with_its_position(text: str, said: str) -> None:
    with pytest.raises(SettingError, match=said) as caught:
        checked(text)
    assert str(caught.value).startswith(
        "--webhook-template (WEBHOOK_TEMPLATE) cannot be used: template: webhook:"
    )
    assert "\n" not in str(caught.value)


def test_template_that_gives_no_json_where_json_is_promised_is_advised_against() -> None:
    original = '{"text":"[NTH] {{ .EventID }} - {{ .Description }}"}'
    (advice,) = checked(original)
    assert advice.startswith("--webhook-template (WEBHOOK_TEMPLATE): what it gives is not always JSON")
    assert checked(original, headers='{"Content-type": "text/plain"}') == ()
    assert checked('{"text":"{{ .EventID }}"}') == ()
