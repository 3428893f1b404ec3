"""The article's experiment as it should be done: several seeds, two recipes, two tasks, and why it works."""
