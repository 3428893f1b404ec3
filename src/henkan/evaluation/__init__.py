"""Evaluation of models: exact match, error rates, label errors."""
