"""Where actions go: the protocol and the channels."""
