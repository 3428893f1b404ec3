"""Pairs of strings: reading, checking, and converting strings to ids and back. Other packages work with ids only."""
