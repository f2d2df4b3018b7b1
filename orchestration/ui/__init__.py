"""``kizuna ui``: Dagster's web server and daemon, with the pages of Kizuna beside Dagster's own.

A browser opens no ``file://`` link of a page that came over HTTP, so links to the scorecard or the data docs
would do nothing. Here they are served where the UI is, on the same address.

- ``pages``: which pages there are, and their addresses for links in metadata
- ``webserver``: Dagster's web server with these pages
- ``__main__``: ``dagster dev`` with that web server
"""
