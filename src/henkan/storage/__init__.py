"""Saved models: files that are written atomically and validated before use."""
