"""Publication: what the warehouse holds becomes a version that BI tools open, switched in one step.

Belongs here: copying the published schemas into a new version folder, proving the copy equal to the
warehouse, the atomic switch, the list of versions, rollback and retention.
Does not: what is in the tables (dbt) and whether it may be published (the gate).

- ``model``: the shapes, settings and errors that the rest shares
- ``relations``: which tables and columns are published, and that each is described
- ``fingerprint``: hashes of content, by month
- ``plan``: what can be kept from the version before
- ``naming``: names for people
- ``contract``: what readers may rely on, and how a table or column leaves
- ``about``: what a version says about itself: ``meta.publication``, ``meta.tables`` and ``meta.columns``
- ``build``: one version folder, from the warehouse and perhaps the version before
- ``versions``: the versions on disk, the link that readers open, retention, rollback
- ``files``: copies, links, removal and syncing to disk
- ``publishing``: the steps in their order
- ``ways_out``: what the settings ask for beside the file: ``folders``, ``postgres`` (with
  ``postgres_catalog`` and ``postgres_types``)
"""

from __future__ import annotations

from pipelines.publication.model import Deprecation, PublicationError, Published, TableDoc, Tuning, Version
from pipelines.publication.publishing import publish
from pipelines.publication.relations import SCHEMAS
from pipelines.publication.versions import current_version, list_versions, read_manifest, rollback

__all__ = [
    "SCHEMAS",
    "Deprecation",
    "PublicationError",
    "Published",
    "TableDoc",
    "Tuning",
    "Version",
    "current_version",
    "list_versions",
    "publish",
    "read_manifest",
    "rollback",
]
