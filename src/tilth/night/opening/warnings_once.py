"""Warnings of what is looked at twice: before a night is opened, and by the night."""

from __future__ import annotations

import functools
import logging

log = logging.getLogger(__name__)


@functools.cache
def warn_once(message: str) -> None:
    """Warn, unless this process has said the very same before."""
    log.warning("%s", message)
