"""Suites, one function per table: ``raw`` before the transformation, ``published`` before the publication."""
