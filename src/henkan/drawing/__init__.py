"""Tables, charts and HTML, of strings and numbers."""
