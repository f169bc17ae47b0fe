"""The command line: one file per command, and the composition of a runtime for this machine."""
