"""Go's text/template with sprig's functions, in pure code: the language of the original's webhook templates.

`parse(text)` gives a Template or says where the text is wrong; `Template.check(sample, now_at)` refuses at
the start what would fail later; `Template.render(data, now_at)` gives the text. Data is made of `values`.

https://pkg.go.dev/text/template and https://masterminds.github.io/sprig/
"""

from gotemplate.errors import TemplateError
from gotemplate.template import Template, parse

__all__ = ["Template", "TemplateError", "parse"]
