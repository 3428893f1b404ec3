"""Export to a page: a model in one HTML file that works without a network."""
