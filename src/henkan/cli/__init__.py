"""The command line: one file a command, which parses, calls and prints."""

from henkan.cli.main import main

__all__ = ["main"]
