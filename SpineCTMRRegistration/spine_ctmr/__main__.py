"""Lets `python -m spine_ctmr` stand for the command `spine-ctmr`."""

import sys

from .command.main import main

if __name__ == "__main__":
    sys.exit(main())
