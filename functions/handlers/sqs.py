"""Entry module of the Lambda function for records of SQS; importing it builds the handler."""

import os

from functions.handlers.factory import build_handler

handler = build_handler("sqs", os.environ)
