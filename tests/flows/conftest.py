"""The one whole night that tests of other folders look at, too."""

from tests.end_to_end.conftest import night

__all__ = ["night"]
