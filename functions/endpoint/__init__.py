"""An inference server on this machine for the small models of a folder: SageMaker runtime API and plain HTTP."""
