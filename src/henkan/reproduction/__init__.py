"""What the trained models of the article's experiment have learnt, measured, drawn and told."""
