"""Choice of the sources to label next."""
