"""The command line: one module per command."""

from henkan.cli.main import main

__all__ = ["main"]
