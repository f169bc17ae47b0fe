"""Lambda handlers: a factory for each way an event arrives, and entry modules of three lines."""
