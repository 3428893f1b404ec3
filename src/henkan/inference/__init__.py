"""Prediction with trained models: search, ensembles, confidence calibration, explanations."""
