"""What customers did: matched to decisions, counted once, and read back as beliefs and responses."""
