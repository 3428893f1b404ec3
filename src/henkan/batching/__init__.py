"""Symbol ids to padded arrays: batches for training, sources for prediction. Source reversal happens here."""
