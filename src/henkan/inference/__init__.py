"""From a model and a text to an answer: search, ensembles, confidence, explanations."""
