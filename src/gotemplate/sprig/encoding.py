"""These functions encode, decode and sum up the bytes of texts."""

import binascii
import hashlib
import zlib
from typing import Final

from gotemplate.calls import function
from gotemplate.values import from_bytes, to_bytes

_ALPHABET_32: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_ALPHABET_64: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_PAD: Final = "="


def b64enc(text: str) -> str:
    """Return the text in base64."""
    return binascii.b2a_base64(to_bytes(text), newline=False).decode()


def b64dec(text: str) -> str:
    """Return the text that is encoded in base64 or, as in sprig, the text of an error."""
    wrong = _wrong_64(text)
    if wrong is not None:
        return f"illegal base64 data at input byte {wrong}"
    return from_bytes(_decoded(text, _ALPHABET_64, 6))


def _wrong_64(text: str) -> int | None:
    """Return where Go's decoder stops, or None. It skips line breaks and needs padding."""
    data = to_bytes(text).decode("latin-1")
    in_group = 0
    for at, letter in enumerate(data):
        if letter in "\r\n":
            continue
        if letter == _PAD:
            return _wrong_padding(data, at, in_group)
        if letter not in _ALPHABET_64:
            return at
        in_group = (in_group + 1) % 4
    return len(data) - in_group if in_group else None


def _wrong_padding(data: str, at: int, in_group: int) -> int | None:
    if in_group < 2:
        return at
    at = _past_breaks(data, at + 1)
    if in_group == 2:
        if at == len(data):
            return at
        if data[at] != _PAD:
            return at - 1
        at = _past_breaks(data, at + 1)
    return at if at < len(data) else None


def _past_breaks(data: str, at: int) -> int:
    while data[at : at + 1] in ("\r", "\n"):
        at += 1
    return at


def b32enc(text: str) -> str:
    """Return the text in base32."""
    data = to_bytes(text)
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    letters = "".join(_ALPHABET_32[int(bits[at : at + 5], 2)] for at in range(0, len(bits), 5))
    return letters + _PAD * (-len(letters) % 8)


def b32dec(text: str) -> str:
    """Return the text that is encoded in base32 or, as in sprig, the text of an error."""
    data = to_bytes(text).decode("latin-1").replace("\r", "").replace("\n", "")
    wrong = _wrong_32(data)
    if wrong is not None:
        return f"illegal base32 data at input byte {wrong}"
    return from_bytes(_decoded(data, _ALPHABET_32, 5))


def _wrong_32(data: str) -> int | None:
    for at, letter in enumerate(data):
        in_group = at % 8
        if letter == _PAD and in_group >= 2 and len(data) - at - 1 < 8:
            return _wrong_padding_32(data, at)
        if letter not in _ALPHABET_32:
            return at
    return len(data) - len(data) % 8 if len(data) % 8 else None


def _wrong_padding_32(data: str, at: int) -> int | None:
    in_group = at % 8
    left = len(data) - at - 1
    if left + in_group < 7:
        return len(data)
    for more in range(7 - in_group):
        if more < left and data[at + 1 + more] != _PAD:
            return at + more
    return at if in_group in (1, 3, 6) else None


def _decoded(text: str, alphabet: str, width: int) -> bytes:
    values = {letter: index for index, letter in enumerate(alphabet)}
    bits = 0
    count = 0
    out = bytearray()
    for letter in text:
        if letter not in values:
            if letter == _PAD:
                break
            continue
        bits = (bits << width | values[letter]) & 0xFFFF
        count += width
        if count >= 8:
            count -= 8
            out.append(bits >> count & 0xFF)
    return bytes(out)


FUNCTIONS = {
    "b64enc": function(b64enc, "string"),
    "b64dec": function(b64dec, "string"),
    "b32enc": function(b32enc, "string"),
    "b32dec": function(b32dec, "string"),
    "sha1sum": function(
        lambda text: hashlib.sha1(to_bytes(text), usedforsecurity=False).hexdigest(), "string"
    ),
    "sha256sum": function(lambda text: hashlib.sha256(to_bytes(text)).hexdigest(), "string"),
    "sha512sum": function(lambda text: hashlib.sha512(to_bytes(text)).hexdigest(), "string"),
    "adler32sum": function(lambda text: str(zlib.adler32(to_bytes(text))), "string"),
}
