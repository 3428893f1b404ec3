"""Symbol ids to padded arrays: batches for training, sources for prediction. Sources are reversed here."""
