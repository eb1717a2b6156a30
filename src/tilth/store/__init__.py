"""What stands on disk: whole files, digests, the cache, runs, the workspace."""

from tilth.store.cache import Cache, used
from tilth.store.code_digest import digest_code, digest_made_by, library_versions
from tilth.store.files import (
    atomic,
    copy,
    digest,
    digest_json,
    digest_table,
    digest_tree,
    read_column,
    read_json,
    read_table,
    sha256_file,
    write_json,
    write_table,
)
from tilth.store.runs import HELD_OUT, Run, all_runs, find, latest, newest_table, records
from tilth.store.vectors import Vectors
from tilth.store.workspace import Workspace, locate

__all__ = [
    "HELD_OUT",
    "Cache",
    "Run",
    "Vectors",
    "Workspace",
    "all_runs",
    "atomic",
    "copy",
    "digest",
    "digest_code",
    "digest_json",
    "digest_made_by",
    "digest_table",
    "digest_tree",
    "find",
    "latest",
    "library_versions",
    "locate",
    "newest_table",
    "read_column",
    "read_json",
    "read_table",
    "records",
    "sha256_file",
    "used",
    "write_json",
    "write_table",
]
