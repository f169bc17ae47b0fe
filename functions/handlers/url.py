"""Entry module of the Lambda function for requests of pages; importing it builds the handler."""

import os

from functions.handlers.factory import build_handler

handler = build_handler("url", os.environ)
