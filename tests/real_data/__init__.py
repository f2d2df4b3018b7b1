"""The examples over the public data sets they are written for, whole, checked against polars over the files."""
