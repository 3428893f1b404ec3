"""From pairs and settings to a trained model: the loop, validation, checkpoints."""
