"""Choice of settings, of the amount of data and of words to label, by training several models."""
