"""What terminals and notebooks show of training runs and models."""
