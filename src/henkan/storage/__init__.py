"""Saved models: written atomically, and validated when they are loaded."""
