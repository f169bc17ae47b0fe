"""From what a transport delivers to one canonical `Event`, and whether a pattern matches it."""
