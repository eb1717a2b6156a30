"""The page on which people answer a night's queue: `tilth label`.

In: a run with a `queue.csv`, and the file of answers. Out: answers in that file, each on the disk before the page
gets its reply. `rows.py` holds the queue and all rows of the night, `answering.py` turns what is sent into answers,
`desk.py` hands out rows and takes answers, `answer_counts.py` counts these, `evidence.py` says what speaks for each
label, `guard.py` keeps everybody out who does not know the token, `app.py` joins them as an ASGI application,
`server.py` serves it on 127.0.0.1. The page itself is `page/`: one template, one script, one style sheet, all our own.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.annotation.app import create_app
    from tilth.annotation.desk import Desk
    from tilth.annotation.evidence import Evidence
    from tilth.annotation.rows import read_night_rows
    from tilth.annotation.server import open_port, serve

__getattr__, __dir__ = lazy_exports(__name__)
