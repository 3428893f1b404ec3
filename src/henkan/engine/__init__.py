"""Who does the arithmetic. The rest of henkan knows the protocol in `base` alone."""
