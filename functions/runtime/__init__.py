"""One event, start to end: prepare, invoke, decide, commit, perform, receipt."""
