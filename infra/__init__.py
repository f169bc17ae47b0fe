"""The infrastructure on AWS: a CDK app out of a folder of specs, and constructs for apps of one's own."""
