"""Lets `python -m spine_ctmr` stand for the command `spine-ctmr`."""

import sys


def start() -> int:
    """Run the command and return its exit code, also where it is interrupted while it is loaded."""
    try:
        from .command.main import main

        return main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(start())
