"""Where predictions come from: the protocol, the adapters, and the reading of replies."""
