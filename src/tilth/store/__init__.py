"""What stands on disk: whole files, digests, the cache, runs, the workspace.

People's answers are in `answers/`, what is fitted from night to night in `fits/`, what removes anything in `removal/`.

In: values, tables, records. Out: files that are whole or not there, their digests, the content-addressed cache, the
runs of a workspace, and what `tilth clean` removes. A new kind of cached value is named once, in `cache.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.store.cache import Cache, used
    from tilth.store.code_digest import digest_code, digest_made_by, library_versions
    from tilth.store.files import (
        atomic,
        copy,
        digest,
        digest_json,
        digest_tree,
        discard,
        folder_of_unfinished,
        link_or_copy,
        read_json,
        sha256_file,
        unfinished_prefix,
        write_json,
    )
    from tilth.store.fits import (
        FIT_DATES,
        FITS,
        Fits,
        fits_in_words,
        fits_left,
        is_whole_state,
        keep_state,
        labeled_row_digests,
        row_digests,
        state_digest,
    )
    from tilth.store.label_changes import LabelChange, LabelChanges
    from tilth.store.removal import (
        KNOWN_LETTERS,
        Forgotten,
        add_tombstones,
        clean_workspace,
        cleaning_in_words,
        find_everywhere,
        forget_caches,
        forget_tables,
        tombstones,
    )
    from tilth.store.runs import (
        CANDIDATES,
        HELD_OUT,
        LEFT_OUT,
        MODEL_CARD,
        Run,
        all_runs,
        find,
        latest,
        newest_table,
        now,
        records,
        stage_entry,
        stage_metrics,
    )
    from tilth.store.tables import digest_table, read_column, read_table, write_table
    from tilth.store.vectors import Vectors
    from tilth.store.workspace import Workspace, locate

__all__ = [
    "CANDIDATES",
    "FITS",
    "FIT_DATES",
    "HELD_OUT",
    "KNOWN_LETTERS",
    "LEFT_OUT",
    "MODEL_CARD",
    "Cache",
    "Fits",
    "Forgotten",
    "LabelChange",
    "LabelChanges",
    "Run",
    "Vectors",
    "Workspace",
    "add_tombstones",
    "all_runs",
    "atomic",
    "clean_workspace",
    "cleaning_in_words",
    "copy",
    "digest",
    "digest_code",
    "digest_json",
    "digest_made_by",
    "digest_table",
    "digest_tree",
    "discard",
    "find",
    "find_everywhere",
    "fits_in_words",
    "fits_left",
    "folder_of_unfinished",
    "forget_caches",
    "forget_tables",
    "is_whole_state",
    "keep_state",
    "labeled_row_digests",
    "latest",
    "library_versions",
    "link_or_copy",
    "locate",
    "newest_table",
    "now",
    "read_column",
    "read_json",
    "read_table",
    "records",
    "row_digests",
    "sha256_file",
    "stage_entry",
    "stage_metrics",
    "state_digest",
    "tombstones",
    "unfinished_prefix",
    "used",
    "write_json",
    "write_table",
]

__getattr__, __dir__ = lazy_exports(__name__)
