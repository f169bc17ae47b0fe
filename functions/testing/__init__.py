"""Public checks that every store, model and channel must pass, and builders of values for tests."""
