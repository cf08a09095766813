"""What each kind takes and refuses."""

from typing import TypeVar

import pytest

from nth.settings.kinds import (
    ADDRESS,
    BOOL,
    HEADERS,
    PAIRS,
    PORT,
    PORT_TEXT,
    PROXY,
    TEXT,
    URL,
    URL_PATH,
    Kind,
    choice,
    decimal,
    integer,
    optional,
    signed,
)

T = TypeVar("T")


@pytest.mark.parametrize("text", ["1", "t", "T", "TRUE", "true", "True"])
def test_bool_true_as_go_spells_it(text: str) -> None:
    assert BOOL.parse(text) is True


@pytest.mark.parametrize("text", ["0", "f", "F", "FALSE", "false", "False"])
def test_bool_false_as_go_spells_it(text: str) -> None:
    assert BOOL.parse(text) is False


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        pytest.param(integer(-1), "-1", -1, id="least integer"),
        pytest.param(integer(-1), "+5", 5, id="plus sign"),
        pytest.param(integer(-1), "007", 7, id="leading zeros are decimal"),
        pytest.param(integer(1), "2147483647", 2**31 - 1, id="greatest integer"),
        pytest.param(integer(30, 60, off=-1), "-1", -1, id="off"),
        pytest.param(integer(30, 60, off=-1), "30", 30, id="low end"),
        pytest.param(integer(30, 60, off=-1), "60", 60, id="high end"),
        pytest.param(decimal(0.1, 60), "0.1", 0.1, id="least decimal"),
        pytest.param(decimal(0.1, 60), ".5", 0.5, id="no digit before the point"),
        pytest.param(decimal(0.1, 60), "60.", 60.0, id="no digit after the point"),
        pytest.param(choice("One", "Two"), "TWO", "Two", id="word in another case"),
        pytest.param(PORT, "65535", 65535, id="last port"),
        pytest.param(PORT_TEXT, "443", "443", id="port as text"),
        pytest.param(PORT_TEXT, "", "", id="no port"),
        pytest.param(TEXT, " any \n thing ", " any \n thing ", id="text"),
        pytest.param(URL, "http://[fd00:ec2::254]", "http://[fd00:ec2::254]", id="IPv6 address"),
        pytest.param(URL, "http://[::1]:8080/a", "http://[::1]:8080/a", id="IPv6 address and port"),
        pytest.param(URL, "HTTPS://x.example/?a=b#c", "HTTPS://x.example/?a=b#c", id="scheme in capitals"),
        pytest.param(optional(URL), "", "", id="no URL"),
        pytest.param(signed("so"), "-5", -5, id="negative"),
        pytest.param(signed("so"), "101", 101, id="positive"),
        pytest.param(PROXY, "tcp://squid:3128", "tcp://squid:3128", id="proxy by TCP"),
        pytest.param(PROXY, "http://squid", "http://squid", id="proxy at the usual port"),
        pytest.param(PROXY, "socks5://u:p@squid", "socks5://u:p@squid", id="SOCKS5 proxy"),
        pytest.param(PROXY, "socks5h://[::1]:1080", "socks5h://[::1]:1080", id="SOCKS5 that resolves"),
        pytest.param(ADDRESS, "127.0.0.1", "127.0.0.1", id="IPv4"),
        pytest.param(ADDRESS, "fd00::1", "fd00::1", id="IPv6"),
        pytest.param(ADDRESS, "fe80::1%eth0", "fe80::1%eth0", id="IPv6 of one interface"),
        pytest.param(URL_PATH, "/healthz", "/healthz", id="path"),
        pytest.param(HEADERS, '{"A": "b", "C": ""}', '{"A": "b", "C": ""}', id="headers"),
        pytest.param(HEADERS, "{}", "{}", id="no headers"),
        pytest.param(PAIRS, "a=1,b.c/d=", "a=1,b.c/d=", id="pairs, one without a value"),
    ],
)
def test_taken(kind: Kind[T], text: str, value: T) -> None:
    assert kind.parse(text) == value


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        pytest.param(BOOL, ["", "yes", "on", "tRUE", " true", "true\n", "2"], id="bool"),
        pytest.param(
            integer(-1),
            ["", "-2", "x", "1.0", " 1", "1\n", "0x10", "1_000", "1e3", "--1", "٣", "2147483648", "9" * 5000],
            id="integer",
        ),
        pytest.param(integer(30, 60, off=-1), ["29", "61", "0", "-2"], id="integer with off"),
        pytest.param(
            decimal(0.1, 60), ["", ".", "0.09", "60.1", "nan", "inf", "1e1", "-1", "1,5"], id="decimal"
        ),
        pytest.param(choice("One", "Two"), ["", "Three", "One "], id="choice"),
        pytest.param(PORT, ["0", "65536", "-1", "http", ""], id="port"),
        pytest.param(PORT_TEXT, ["0", "65536", "tcp://10.0.0.1:443"], id="port as text"),
        pytest.param(
            URL,
            [
                *("", "169.254.169.254", "ftp://x", "http://", "http:///a", "http://x:y", "http://x:0"),
                *(
                    "http://x:65536",
                    "http://[::1",
                    "http://fd00:ec2::254",
                    "http://a b",
                    "http://a\n",
                    "file:///etc",
                ),
            ],
            id="url",
        ),
        pytest.param(signed("so"), ["", "x", "1.0", "2147483648"], id="signed"),
        pytest.param(
            PROXY,
            [
                "",
                "squid:3128",
                "10.0.0.1:3128",
                "tcp://squid",
                "tcp://:3128",
                "socks4://squid:1",
                "http://a b",
            ],
            id="proxy",
        ),
        pytest.param(
            ADDRESS,
            ["", "localhost", "[::1]", "127.0.0.1:80", "127.0.0.1/8", "1.2.3", "::1 ", "1"],
            id="address",
        ),
        pytest.param(URL_PATH, ["", "healthz", "/a b", "/a?b", "/a#b", "/a\n"], id="path"),
        pytest.param(
            HEADERS,
            [
                *("", "x", "[]", '"a"', "null", '{"a": 1}', '{"a": null}', '{"a": {"b": "c"}}', '{"": "b"}'),
                *('{"a": "b\\n"}', '{"a": "\\u00e4"}', "[" * 100_000),
            ],
            id="headers",
        ),
        pytest.param(PAIRS, ["a", "=1", "a=1,", "a=1,b", "a=b=c"], id="pairs"),
    ],
)
def test_refused(kind: Kind[object], texts: list[str]) -> None:
    for text in texts:
        with pytest.raises(ValueError):  # noqa: PT012 - the last statement tells which text was taken
            kind.parse(text)
            pytest.fail(f"{text[:50]!r} was taken")


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [
        (integer(1), "a whole number, 1 or more"),
        (integer(0, 60), "a whole number, 0 to 60"),
        (integer(30, 3600, off=-1), "a whole number, 30 to 3600, or -1 for off"),
        (decimal(0.1, 60), "a number, 0.1 to 60"),
        (choice("a", "b", "c"), "a, b or c"),
        (optional(URL), "a URL that begins with http:// or https://, or empty"),
    ],
    ids=["or more", "range", "off", "decimal", "choice", "optional"],
)
def test_allowed_is_worded(kind: Kind[object], allowed: str) -> None:
    assert kind.allowed == allowed
