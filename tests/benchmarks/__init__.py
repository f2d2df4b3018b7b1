"""Measurements that people start (``make bench``); nothing here is a test, and no test depends on a time."""
