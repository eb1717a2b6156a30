"""Who hears of a night: a failed, late, worse or good one is sent to the addresses of `[schedule] notify`.

The addresses are Apprise's (mail, chat, SMS, webhooks: https://github.com/caronc/apprise/wiki). They are read from
`tilth.toml` when they are needed and never written into a record, for they hold passwords. A night does not fail
because somebody could not be told of it: that is a warning, and stands in the record under `notified`.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tilth import reports
from tilth import stage as stages
from tilth.config import ScheduleConfig, load
from tilth.errors import ConfigError, error_in_words
from tilth.store import Run

log = logging.getLogger(__name__)

_HEADLINES = {
    "failed": "failed",
    "worse": "was not promoted",
    "late": "ended after its deadline",
    "good": "is the latest now",
}


def check_addresses(schedule: ScheduleConfig) -> None:
    """Refuse an address that could never be reached, before a night starts.

    Raises:
        ConfigError: Apprise knows no such kind of address.
    """
    for address in schedule.notify:
        if not _service(os.path.expandvars(address)) and not _unset(address):
            kind = address.partition("://")[0]
            raise ConfigError(
                f'schedule.notify: Apprise does not know an address that begins with "{kind}", or the address is '
                "incomplete; expected one such as mailto://user:$PASSWORD@example.org or slack://…, as listed at "
                "https://github.com/caronc/apprise/wiki"
            )


def notify(run: Run) -> None:
    """Tell of a night that is closed, where `[schedule] notify` asks for it; whatever happens, the night stays whole.

    Args:
        run: completed, with its report, or failed.
    """
    try:
        record = run.record
        schedule = _schedule(record["workspace"]["config"])
        kinds = [kind for kind in kinds_of(record) if kind in schedule.notify_on]
        if schedule.notify and kinds and not record.get("notified"):
            sent = [_send(address, _title(record, kinds), _body(run, record, kinds)) for address in schedule.notify]
            run.update(notified={"kinds": kinds, "sent": sum(sent), "not_sent": len(sent) - sum(sent)})
    except Exception as error:  # of any kind: the services are other people's programs
        log.warning("nobody was told of this night: %s: %s", type(error).__name__, error)


def notify_unopened(config: Path, error: BaseException) -> None:
    """Tell of a scheduled night that could not begin, of which no record tells: its input was gone, say.

    Args:
        config: `tilth.toml` of its workspace.
        error: why.
    """
    try:
        schedule = _schedule(config)
        root = config.parent
        body = f"{error_in_words(error)}\n\nNo run was opened; `tilth run` in {root} says what is wrong now."
        for address in schedule.notify if "failed" in schedule.notify_on else ():
            _send(address, f"tilth: a night of {root.name} could not begin", body)
    except Exception as failure:  # of any kind: `tilth.toml` may be what is wrong
        log.warning("nobody was told of this night: %s", error_in_words(failure))


def _schedule(config: str | Path | None) -> ScheduleConfig:
    return load(Path(config), {}, stages.configs()).schedule if config else ScheduleConfig()


def kinds_of(record: Mapping[str, Any]) -> list[str]:
    """What there is to tell of a closed night: `failed`, or `worse` or `good`, and `late`.

    A night of some stages alone is somebody's try: only its failure is told.
    """
    if record["status"] == "failed":
        return ["failed"]
    if set(record["asked"]) != set(stages.NAMES):
        return []
    deadline = record.get("deadline")
    late = deadline is not None and datetime.fromisoformat(record["finished"]) > datetime.fromisoformat(deadline["at"])
    return ["good" if record["promoted"] else "worse", *(["late"] if late else [])]


def _title(record: Mapping[str, Any], kinds: Sequence[str]) -> str:
    workspace = Path(record["workspace"]["root"]).name
    return f"tilth: the night {record['run_id']} of {workspace} {' and '.join(_HEADLINES[kind] for kind in kinds)}"


def _body(run: Run, record: Mapping[str, Any], kinds: Sequence[str]) -> str:
    if "failed" in kinds:
        return f"{record['error']}\n\n{run.path} holds what was done; `tilth run` goes on from there."
    sentences = [reports.night_summary(run.path)]
    if "late" in kinds:
        sentences.insert(0, f"It ended at {record['finished']}; the deadline was {record['deadline']['at']}.")
    return "\n\n".join(sentences)


def _send(address: str, title: str, body: str) -> bool:
    import apprise

    if unset := _unset(address):
        log.warning("schedule.notify: %s is not set in this night's environment; nothing was sent", unset)
        return False
    service = _service(os.path.expandvars(address))
    sent = service is not None and bool(
        service.notify(title=title, body=body, body_format=apprise.NotifyFormat.MARKDOWN)
    )
    if not sent:
        log.warning("schedule.notify: %s://… did not take the message", address.partition("://")[0])
    return sent


def _unset(address: str) -> str | None:
    """The first variable of an address that the environment lacks."""
    names = re.findall(r"\$\{?(\w+)\}?", address)
    return next((f"${name}" for name in names if name not in os.environ), None)


def _service(address: str) -> Any:
    """Apprise's sender for one address, or None."""
    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it prints the address
    return apprise.Apprise.instantiate(address, suppress_exceptions=True)
