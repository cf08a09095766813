"""This table says in which module each function is, and why some functions of sprig are refused.

A module of functions is imported when a template names one of them; a short template needs few.
"""

from importlib import import_module
from typing import Final

from gotemplate.calls import Function
from gotemplate.errors import Problem

_HOMES: Final = {
    "builtins": "and call index len or print printf println",
    "comparisons": "eq ge gt le lt ne not",
    "escaping": "html js urlquery",
    "sprig.strings": (
        "abbrev abbrevboth cat contains hasPrefix hasSuffix indent initials nindent nospace plural quote "
        "repeat replace squote substr trim trimAll trimPrefix trimSuffix trimall trunc wrap wrapWith"
    ),
    "sprig.cases": "camelcase kebabcase lower snakecase swapcase title untitle upper",
    "sprig.texts": "hello join sortAlpha split splitList splitn toString toStrings",
    "sprig.lists": (
        "append chunk compact concat first has initial last list mustAppend mustChunk mustCompact "
        "mustFirst mustHas mustInitial mustLast mustPrepend mustPush mustRest mustReverse mustSlice "
        "mustUniq mustWithout prepend push rest reverse slice tuple uniq without"
    ),
    "sprig.dicts": (
        "deepCopy dict dig get hasKey keys merge mergeOverwrite mustDeepCopy mustMerge "
        "mustMergeOverwrite omit pick pluck set unset values"
    ),
    "sprig.documents": (
        "fromJson mustFromJson mustToJson mustToPrettyJson mustToRawJson toJson toPrettyJson toRawJson"
    ),
    "sprig.types": (
        "all any coalesce deepEqual default empty fail kindIs kindOf ternary typeIs typeIsLike typeOf"
    ),
    "sprig.arithmetic": (
        "add add1 atoi biggest ceil div float64 floor int int64 max maxf min minf mod mul round seq sub "
        "toDecimal until untilStep"
    ),
    "sprig.decimals": "add1f addf divf mulf subf",
    "sprig.dates": (
        "ago date dateInZone dateModify date_in_zone date_modify duration durationRound htmlDate "
        "htmlDateInZone mustDateModify mustToDate must_date_modify now toDate unixEpoch"
    ),
    "sprig.encoding": "adler32sum b32dec b32enc b64dec b64enc sha1sum sha256sum sha512sum",
    "sprig.paths": "base clean dir ext isAbs osBase osClean osDir osExt osIsAbs",
    "sprig.regexes": (
        "mustRegexFind mustRegexFindAll mustRegexMatch mustRegexReplaceAll mustRegexReplaceAllLiteral "
        "mustRegexSplit regexFind regexFindAll regexMatch regexQuoteMeta regexReplaceAll "
        "regexReplaceAllLiteral regexSplit"
    ),
}
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names.split()}
_REFUSED: Final = {
    "its result would be another each time": (
        "randAlpha randAlphaNum randAscii randBytes randInt randNumeric shuffle uuidv4"
    ),
    "it would read the handler's environment": "env expandenv",
    "it would ask the network": "getHostByName",
    "a notification is no place for keys and passwords": (
        "bcrypt buildCustomCert decryptAES derivePassword encryptAES genCA genCAWithKey genPrivateKey "
        "genSelfSignedCert genSelfSignedCertWithKey genSignedCert genSignedCertWithKey htpasswd"
    ),
    "this handler has no versions and URLs to take apart": "semver semverCompare urlJoin urlParse",
}
_REASON: Final = {name: reason for reason, names in _REFUSED.items() for name in names.split()}


def look_up(name: str) -> Function:
    """Return the function of this name. Raises Problem if it is unknown or refused, with the reason."""
    if name in _REASON:
        raise Problem(f"function {name!r} is not supported: {_REASON[name]}")
    if name not in _HOME_OF:
        raise Problem(f"function {name!r} is not defined")
    functions: dict[str, Function] = import_module(f"{__package__}.{_HOME_OF[name]}").FUNCTIONS
    return functions[name]


def supported() -> list[str]:
    """Return the names of all functions that templates can call."""
    return sorted(_HOME_OF)


def refused() -> dict[str, str]:
    """Return the names of the refused functions, each with the reason."""
    return dict(_REASON)
