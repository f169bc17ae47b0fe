"""What an operator does to a deployment on AWS: replay, follow, measure, keep. All calls go by `aws.py`."""
