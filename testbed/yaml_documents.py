"""Reads YAML as helm, kubectl and the API server do, so that a check sees what they would.

They take `y`, `on` and `1e3` for a boolean and a number, and have neither dates nor base 60:
https://pkg.go.dev/sigs.k8s.io/yaml. A key that is there twice is an error here.
"""

import re

import yaml

_RESOLVED = {
    "bool": ("(?i:y|yes|true|on|n|no|false|off)", "yYtToOnNfF"),
    "int": ("[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]*|[1-9][0-9_]*)", "-+0123456789"),
    "float": (r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    "null": ("(~|null|Null|NULL|)", ["~", "n", "N", ""]),
    "merge": ("<<", "<"),
}
"""By tag: the pattern of an unquoted word, and its first letters. The first that fits counts."""


class _Loader(yaml.CSafeLoader):
    yaml_implicit_resolvers = {}
    bool_values = {**yaml.CSafeLoader.bool_values, "y": True, "n": False}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {key.value!r} is there twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return dict(super().construct_mapping(node, deep))


for _tag, (_pattern, _starts) in _RESOLVED.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"{_pattern}$"), list(_starts))


def load_documents(text: str) -> list[dict[str, object]]:
    """Returns every document that is not empty; a `yaml.YAMLError` says what cannot be read, and where."""
    return [document for document in yaml.load_all(text, _Loader) if document is not None]
