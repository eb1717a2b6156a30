"""Templates of pages, which escape every text that they are given."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined


def page_templates(package: str, folder: str = ".") -> Environment:
    """The templates that stand in a package; a name that a template asks for and is not given is an error.

    Args:
        package: its dotted name.
        folder: within the package.
    """
    return Environment(
        loader=PackageLoader(package, folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
