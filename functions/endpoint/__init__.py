"""An inference server over the SageMaker runtime API: small models of a folder, on this machine."""
