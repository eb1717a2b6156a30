"""The report of a night: one self-contained file that opens from disk, and its JSON twin."""

from tilth.reports.page import write

__all__ = ["write"]
