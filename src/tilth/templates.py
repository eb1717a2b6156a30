"""Jinja templates that stand in the package: pages, which escape every text that they are given, and plain text."""

from __future__ import annotations

import functools

from jinja2 import Environment, PackageLoader, StrictUndefined


def page_templates(package: str, folder: str = ".") -> Environment:
    """The templates of pages that stand in a package; a name that a template asks for and is not given is an error.

    Args:
        package: its dotted name.
        folder: within the package.
    """
    return _templates(package, folder, escape=True)


def text_templates(package: str) -> Environment:
    """The templates of plain text, as `page_templates`; whoever fills them in sees to it that values are no markup."""
    return _templates(package, ".", escape=False)


@functools.cache  # a template is compiled once
def _templates(package: str, folder: str, *, escape: bool) -> Environment:
    return Environment(
        loader=PackageLoader(package, folder),
        autoescape=escape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
