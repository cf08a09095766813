"""A template is parsed once, checked with sample data, and rendered as often as needed."""

from collections.abc import Mapping

from gotemplate.checks import check_bodies
from gotemplate.errors import Problem, TemplateError, located
from gotemplate.evaluator import Evaluator
from gotemplate.nodes import Body
from gotemplate.parser import parse_text
from gotemplate.run import Run, ZoneOf, only_utc
from gotemplate.values import clean, go_value, valid


def parse(text: str, name: str = "webhook") -> "Template":
    """Return the template of this text; `name` is its name in messages. Raises TemplateError.

    It is raised for wrong syntax, unknown or refused functions, and undefined variables and templates.
    """
    text = clean(text)
    try:
        return Template(name, text, parse_text(text, name))
    except Problem as problem:
        raise located(name, text, problem.position or 0, str(problem)) from None
    except RecursionError:
        raise located(name, text, 0, "nested too deeply") from None


class Template:
    """A parsed template keeps nothing of a rendering."""

    def __init__(self, name: str, text: str, bodies: Mapping[str, Body]) -> None:
        self.name = name
        self._text = text
        self._bodies = bodies

    def render(self, data: object, now_at: float, zone_of: ZoneOf = only_utc) -> str:
        """Return the text for this data: a value of `values`, or lists, mappings and scalars.

        `now_at` (epoch seconds) is the time of `now` and `ago`; `zone_of` returns the zone of a name, also
        of `Local`. Raises TemplateError, also when a limit of `budget` is reached. Bytes that are no UTF-8
        (a character cut by `trunc`) become U+FFFD.
        """
        evaluator = Evaluator(self._bodies, Run(now_at, zone_of))
        try:
            return valid(evaluator.render(self.name, go_value(data)))
        except Problem as problem:
            raise located(self.name, self._text, evaluator.position, str(problem)) from None
        except RecursionError:
            raise located(self.name, self._text, evaluator.position, "nested too deeply") from None

    def check(self, sample: object, now_at: float, zone_of: ZoneOf = only_utc) -> None:
        """Raise TemplateError for what would fail with data like the sample, in any branch.

        The sample is rendered, and the fields and arguments of every branch are looked at, also of those
        that the sample does not take. It needs all fields that real data has. The results of maps and
        functions are unknown, and pass the check.
        """
        try:
            check_bodies(self._bodies, self.name, go_value(sample))
        except Problem as problem:
            raise located(self.name, self._text, problem.position or 0, str(problem)) from None
        except RecursionError:
            raise located(self.name, self._text, 0, "nested too deeply") from None
        self.render(sample, now_at, zone_of)


__all__ = ["Template", "TemplateError", "parse"]
