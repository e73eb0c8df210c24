"""``python -m equity_screen``: the same as the command ``equity-screen``."""

from __future__ import annotations

import sys

from equity_screen.cli import main

if __name__ == "__main__":
    sys.exit(main())
