"""Lets `python -m SpineCTMRRegistrationLib` stand for the command `spine-ctmr`."""

import sys

from .command import main

if __name__ == "__main__":
    sys.exit(main())
