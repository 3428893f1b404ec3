"""The article's experiment as it should be done: several seeds, two recipes, two tasks, and what it all shows."""
