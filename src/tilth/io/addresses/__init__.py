"""Places that are no folder of this machine, by fsspec.

In: addresses such as s3://bucket/rows.csv, nights of a workspace. Out: files to read and write there, and nights that
are copied there and back (`mirror.py`). A further kind of address takes nothing here: it is read where the
package is installed by which fsspec reads it.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.io.addresses.file_systems import expand, fetch, file_system, is_address, written_at
    from tilth.io.addresses.mirror import fetch_nights, send_nights

__getattr__, __dir__ = lazy_exports(__name__)
