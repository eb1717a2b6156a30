"""Tables that leave.

In: a run's table, a queue of rows for people. Out: CSV, JSONL and Parquet files and data sets (`export`), queues for
spreadsheets and tools of annotation (`write_queue`), read back filled. To write another kind of file, add its ending to
`_KINDS` of `target_files.py`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.io.exports.annotation_tools import labeling_config
    from tilth.io.exports.csv_writer import write_csv
    from tilth.io.exports.exporting import export
    from tilth.io.exports.queue_files import queue_kind, read_filled_queue, write_queue
    from tilth.io.exports.target_files import FOLDER, STANDARD_OUTPUT, file_kind, refuse_to_overwrite

__getattr__, __dir__ = lazy_exports(__name__)
