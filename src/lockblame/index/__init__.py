"""A package index: what it says about a project and its releases, and the metadata of one of them. Flows only.

Project pages follow PEP 691 (JSON) with PEP 700 (upload times, versions), else PEP 503 (HTML); yanks PEP 592; metadata files
PEP 658 with the names of PEP 714; project status PEP 792; provenance PEP 740; the version of the interface PEP 629.
"""

from __future__ import annotations

from lockblame.index.downloads import download
from lockblame.index.metadata import metadata
from lockblame.index.pages import project
from lockblame.index.records import File, Metadata, Project

__all__ = ["File", "Metadata", "Project", "download", "metadata", "project"]
