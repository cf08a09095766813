"""Go's text/template with sprig's functions, without I/O. README.md beside this file describes it.

`parse(text)` returns a Template, or raises TemplateError with the place and the reason. `Template.check`
refuses what would fail with data like the sample. `Template.render` returns the text.
"""

from gotemplate.errors import TemplateError
from gotemplate.run import Zone
from gotemplate.template import Template, parse
from gotemplate.times import GoTime
from gotemplate.values import GoField, GoMap, GoSlice, GoStruct

__all__ = ["GoField", "GoMap", "GoSlice", "GoStruct", "GoTime", "Template", "TemplateError", "Zone", "parse"]
