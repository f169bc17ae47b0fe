"""What handlers call their variables and metrics: the one module here that knows a module of theirs."""

from __future__ import annotations

from functions.handlers.settings import INGEST, INGEST_KEY, LOG_KEY, OUTCOMES, VISITOR_KEY

__all__ = ["INGEST", "INGEST_KEY", "LOG_KEY", "OUTCOMES", "VISITOR_KEY"]
