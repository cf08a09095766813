"""Settings from the command line and the environment.

Imported at every start on every node, so it stays light: the standard library only, and modules that just
the help and the documents need (`text`, `docs`) are not imported here.
"""

from nth.settings.read import ReadSettings, read_settings, wants_json
from nth.settings.shown import as_printed
from nth.settings.table import Settings

__all__ = ["ReadSettings", "Settings", "as_printed", "read_settings", "wants_json"]
