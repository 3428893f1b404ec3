"""Strings to ids and back. Behind this door there are integers alone."""
