"""Training: the training loop, validation and checkpoints."""
