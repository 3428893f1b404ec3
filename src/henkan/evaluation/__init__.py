"""How well a model does: exact match, error rates, suspicious labels."""
