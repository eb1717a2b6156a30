"""Labeling functions as people write them.

In: the files of `labeling_functions/` and installed packages; labeled rows. Out: loaded functions with fingerprints,
the examples that they are tested by, their record over the last nights, and source code of new functions.

To add a way in which functions arrive: a reader like `safe_import.from_folder` that gives `Source`s, called in
`loader.load_functions`. To have the fingerprint know another kind of value: a branch in `fingerprint`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.weak_supervision.functions.accuracy_bounds import is_surely_below
    from tilth.weak_supervision.functions.history import FunctionRecord, describe_drift, read_history, write_history
    from tilth.weak_supervision.functions.loader import LoadedFunction, LoadedFunctions, load_functions
    from tilth.weak_supervision.functions.phrase_mining import (
        MINED_FILE_HEADER,
        Suggestion,
        function_name,
        function_source,
        suggest_functions,
    )
    from tilth.weak_supervision.functions.scaffold import new_function_file
    from tilth.weak_supervision.functions.unit_examples import examples, examples_of

__getattr__, __dir__ = lazy_exports(__name__)
