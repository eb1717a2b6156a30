"""What is fitted on many rows, and goes on from night to night.

In: fits of the night before, digests of their rows. Out: the fit to start from, or none where too many rows changed
(`Fits`), and what a night says of it. A stage asks for a fit by a name of its own; no change here is needed.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.store.fits.carried_state import FITS, fits_left, is_whole_state, keep_state, state_digest
    from tilth.store.fits.fit_records import fits_in_words, labeled_row_digests, row_digests
    from tilth.store.fits.fits import FIT_DATES, FIT_INDEX, Fits

__getattr__, __dir__ = lazy_exports(__name__)
