"""Entry module of the Lambda function for the schedule that drains the outbox; importing it builds the handler."""

import os

from functions.handlers.factory import build_handler

handler = build_handler("schedule", os.environ)
