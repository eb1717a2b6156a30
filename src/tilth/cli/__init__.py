"""The command line: thin, and quick to say what is wrong with a request."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tilth.cli import commands, lf, paraphraser, run, serve, terminal
from tilth.errors import TilthError

__all__ = ["main"]

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 a stage failed, 2 the request was wrong."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO if options.verbose else logging.WARNING, format="tilth: %(message)s")
    stopped = _Stopped()
    signal.signal(signal.SIGTERM, stopped)
    try:
        return int(options.do(options) or 0)
    except TilthError as error:
        log.info("the traceback:", exc_info=True)  # with -v alone
        sys.stderr.write(f"tilth: {error}\n")
        return error.exit_status
    except KeyboardInterrupt:
        sys.stderr.write("tilth: stopped; what was finished is kept, and the next tilth run goes on from there\n")
        return 128 + stopped.signal
    except BrokenPipeError:  # the reader, `head` for one, has seen enough
        terminal.unread()
        return 0
    except OSError as error:  # no room, no right to write, a name that is too long: the system's own words say it best
        log.info("the traceback:", exc_info=True)
        where = f": {error.filename}" if error.filename else ""
        sys.stderr.write(f"tilth: {error.strerror or error}{where}\n")
        return 1


class _Stopped:
    """A request to end is answered as Ctrl-C is, and its number remembered for the exit status."""

    signal = signal.SIGINT.value

    def __call__(self, number: int, _frame: Any) -> None:
        self.signal = number
        raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tilth", description="A better data set every night.", allow_abbrev=False)
    parser.add_argument("-v", "--verbose", action="store_true", help="say what is being done, with tracebacks")
    added = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_init(added)
    _add_run(added)
    lf.add(added)
    paraphraser.add(added)
    _add_others(added)
    return parser


def _add_init(added: Any) -> None:
    init = added.add_parser("init", help="make a new workspace, with the demo in it")
    init.add_argument("folder", type=Path)
    init.set_defaults(do=commands.init)


def _add_run(added: Any) -> None:
    night = added.add_parser("run", help="run a night now")
    night.add_argument("-c", "--config", type=Path, help="tilth.toml (default: the one here or above)")
    night.add_argument("--input", action="append", help="CSV, JSONL, Parquet or hf:owner/name:split; may be repeated")
    night.add_argument("--gold", help="rows that are only measured on")
    night.add_argument("--annotations", help="votes of several annotators: id, annotator, and a column of labels")
    night.add_argument("--text", help="the text's column")
    night.add_argument("--label", help="label columns: intent, or domain,domain/intent for intent under domain")
    night.add_argument("--out", type=Path, help="the parent of the run folder")
    night.add_argument("--from", dest="start", metavar="STAGE", help="take what stands before it from an earlier run")
    night.add_argument("--to", dest="stop", metavar="STAGE", help="the last stage")
    night.add_argument("--skip", action="append", default=[], metavar="STAGE", help="may be repeated")
    night.add_argument("--set", action="append", default=[], dest="sets", metavar="KEY=VALUE")
    night.add_argument("--seed", type=int)
    night.add_argument("--dry-run", action="store_true", help="say what would run, and write nothing")
    night.add_argument("--json", action="store_true", help="print run.json and nothing else")
    night.set_defaults(do=run.run)


def _add_others(added: Any) -> None:
    report = added.add_parser("report", help="write a run's report again and say where it is")
    report.add_argument("run", nargs="?", default="latest", help="its id or its folder (default: latest)")
    report.set_defaults(do=commands.report)
    export = added.add_parser("export", help="the better data set: text, labels, weights, provenance")
    export.add_argument("target", type=Path, help="FILE.csv, FILE.jsonl, FILE.parquet, or a folder for `datasets`")
    export.add_argument("--run", default="latest", help="its id or its folder (default: latest)")
    export.set_defaults(do=commands.export)
    predict = added.add_parser("predict", help="labels for texts, as JSON lines")
    predict.add_argument("texts", nargs="*", help="texts; none: one a line from standard input")
    predict.add_argument("--run", default="latest", help="its id or its folder (default: latest)")
    predict.set_defaults(do=commands.predict)
    nights = added.add_parser("serve", help="put nights on a schedule")
    nights.add_argument("--cron", required=True, help='for example "0 2 * * *"')
    nights.add_argument("-c", "--config", type=Path)
    nights.set_defaults(do=serve.serve)
