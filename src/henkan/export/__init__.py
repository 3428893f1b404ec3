"""Export of models to formats that other programs read."""
