"""The command line. Its commands only show: the work is done by the packages they call."""

from deqmath.cli.entry import main

__all__ = ["main"]
