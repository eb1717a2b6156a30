"""Rows by a query: `[data] sql`, asked of the database at `[data] database`, by SQLAlchemy.

SQLite comes with Python; other databases need their driver beside tilth (`pip install "tilth[duckdb]"`, psycopg for
PostgreSQL, …), which SQLAlchemy names: https://docs.sqlalchemy.org/dialects. The answer is what `run.json` holds the
digest of, so that a night on other rows is another night.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd

from tilth.config import DataConfig
from tilth.errors import InputError, did_you_mean

DATABASE_INPUT = "[data] sql"
"""What the rows of the query are called among the inputs."""


def read_query(config: DataConfig, root: Path) -> pd.DataFrame:
    """The rows that the query of a config answers.

    Args:
        config: with `sql` and `database`; `$NAME` in the address is read from the environment.
        root: the folder that the relative path of an SQLite or DuckDB file starts from.

    Raises:
        InputError: no database, one that cannot be reached, a driver that is missing, or a query that it refuses.
    """
    import sqlalchemy

    if not config.database:
        raise InputError("data.sql needs data.database, for example sqlite:///rows.db or postgresql://$USER@host/name")
    try:
        url = sqlalchemy.engine.make_url(os.path.expandvars(config.database))
    except sqlalchemy.exc.ArgumentError:
        raise InputError(
            "data.database is no address of a database; expected one such as sqlite:///rows.db, duckdb:///rows.duckdb "
            "or postgresql://user@host/name"
        ) from None
    url = _of_file(url, root)
    where = url.render_as_string(hide_password=True)
    try:
        engine = sqlalchemy.create_engine(url)
    except sqlalchemy.exc.NoSuchModuleError:
        drivers = {"duckdb": 'pip install "tilth[duckdb]"'}
        fix = drivers.get(url.get_backend_name(), "install its SQLAlchemy dialect")
        raise InputError(f'data.database: nothing here talks to "{url.get_backend_name()}"; {fix}') from None
    except ImportError as error:
        raise InputError(f"data.database {where} needs a driver: {error}; install it with pip") from None
    try:
        with engine.connect() as connection:
            answer = connection.execute(sqlalchemy.text(config.sql or ""))
            return pd.DataFrame(answer.fetchall(), columns=list(answer.keys()), dtype=object)
    except sqlalchemy.exc.SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise InputError(f"data.sql was refused by {where}: {reason}") from None
    finally:
        engine.dispose()


def _of_file(url: Any, root: Path) -> Any:
    """The address, a relative file made absolute, and one that is not there refused: it would be made, empty."""
    if url.get_backend_name() not in {"sqlite", "duckdb"} or not url.database or url.database == ":memory:":
        return url
    path = root / url.database
    if not path.is_file():
        near = [file.name for file in path.parent.glob("*")] if path.parent.is_dir() else []
        raise InputError(f"data.database: no file {path}; {did_you_mean(path.name, near)}")
    return url.set(database=str(path))
