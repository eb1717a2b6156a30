"""A model's folder as files.

In: a folder. Out: whether it is whole and of a version that this release reads, its digests, the picture side added to
it, and the same folder on the Hub. A new file of the folder is named in `readable_folder.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.training.export.folder.digests import DIGESTS, check_digests, write_digests
    from tilth.training.export.folder.hub import push_model
    from tilth.training.export.folder.picture_files import add_pictures, picture_settings
    from tilth.training.export.folder.readable_folder import BY_PASSAGES, BY_TORCH, VERSION, checked_folder

__getattr__, __dir__ = lazy_exports(__name__)
