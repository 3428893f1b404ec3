"""The article's experiment with several seeds, two recipes and two tasks, and analyses of why its tricks work."""
