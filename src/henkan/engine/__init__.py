"""Compute engines. The rest of henkan depends only on the protocol in `henkan.engine.base`."""
