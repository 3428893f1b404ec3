"""Symbol ids to padded arrays: batches for training, sources for prediction. `Sequences.padded` pads and reverses."""
