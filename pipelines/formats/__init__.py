"""How exported files are read: bytes in, records out, nothing lost.

A reader knows the syntax of a file (quotes, encodings, JSON), never its meaning: which column is what,
and whether a value is a date, is the mapping's business (``pipelines.sources.mapping``). What cannot be
read as a record comes back with its line number, its original text and the reason.
"""
