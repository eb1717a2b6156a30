"""Commands that make and show a workspace, and what the other commands need of one.

In: a folder, or the config file's path. Out: `tilth init`, `tilth config`; the workspace's rows, functions and runs
(`WorkspaceData`), and where its template is. What a second command needs of a workspace is one more property of
`WorkspaceData`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.cli.workspace.init import template
    from tilth.cli.workspace.workspace_data import WorkspaceData, find_run, open_workspace

__getattr__, __dir__ = lazy_exports(__name__)
