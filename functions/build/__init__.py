"""Checked artefacts: a plan in one file, so that a Lambda reads no YAML, checks nothing and compiles nothing."""
