"""Learning curves: how exact match grows with the number of pairs."""
