"""The decision: values in, one chosen action or none out, with the reason in plain words."""
