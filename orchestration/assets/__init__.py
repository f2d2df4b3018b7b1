"""The assets, from source file to publication: thin wrappers with the metadata that people look at."""
