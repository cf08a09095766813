"""`python -m nth`."""

import sys

from nth.cli import main

sys.exit(main())
