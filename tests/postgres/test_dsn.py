"""Connection strings: what shows where one points is what was meant, or it is refused and nothing of it is shown."""

from __future__ import annotations

import traceback
from urllib.parse import quote

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from bridge.errors import BridgeError, ConfigError, ExitCode
from bridge.postgres import open_connection
from bridge.postgres.trouble import address
from tests.postgres.support import User

SECRET = "s3cret"
TORN = [
    "postgresql://ann:p@s3cret@127.0.0.1:1/shop",
    "postgresql://ann:p/s3cret@127.0.0.1:1/shop",
    "postgresql://ann:5432/s3cret@127.0.0.1:1/shop",
    "postgresql://ann:/s3cret@127.0.0.1:1/shop",
    "postgresql://ann:5432/s3cret?user=x@127.0.0.1:1/shop@x",
    "postgresql://ann:p@/s3cret@127.0.0.1:1/shop",
    "postgresql://ann:p@s3cret:1@127.0.0.1:1/shop",
    "postgresql://ann:p@1:s3cret@127.0.0.1:1/shop",
    "postgresql://ann:p@s3cret,x@127.0.0.1:1/shop",
    "postgresql://ann:p@s3cret/x@127.0.0.1:1/shop",
    "postgresql://ann:p@s3cret?host=x@127.0.0.1:1/shop",
    "postgresql://ann:p@x?application_name=s3cret@127.0.0.1:1/shop",
    "postgresql://ann:p@s3cret?s3cret@127.0.0.1:1/shop",
    "postgresql://ann:p/s3cret?s3cret@127.0.0.1:1/shop",
    "postgresql://ann:p/s3cret#@127.0.0.1:1/shop",
    "postgresql://ann:[p@s3cret]@[::1]:1/shop",
    "postgresql://ann:p@[s3cret@[::1]:1/shop",
    "postgresql://ann:p%s3cret@127.0.0.1:1/shop",
    "postgresql://ann:p s3cret@127.0.0.1:1/shop",
    "postgresql://:p@s3cret@127.0.0.1:1/shop",
    "postgresql://ann@home:s3cret@127.0.0.1:1/shop",
    "postgresql://ann:s3cret/shop",
    "postgresql://ann:99999/shop?user=s3cret@x",
    "postgresql://ann%3As3cret%40127.0.0.1:1/shop",
    "postgresql://ann%3As3cret@127.0.0.1:1/shop",
    "postgres://ann:p@s3cret@127.0.0.1:1/shop",
    "postgre://ann:s3cret@127.0.0.1:1/shop?sslmode=require",
    "POSTGRESQL://ann:s3cret@127.0.0.1:1/shop",
    "host=127.0.0.1 port=1 password=p s3cret",
    "host=127.0.0.1 port=1 password=p s3cret=x",
    "host=127.0.0.1 port=1 password='p's3cret'",
    "host='127.0.0.1 password=s3cret'",
    "host=127.0.0.1 port=1 dbname='shop password=s3cret'",
    "host=127.0.0.1 port=1 dbname=postgresql://ann:s3cret@h/shop",
    "host=ann:s3cret@127.0.0.1 port=1",
    "host=127.0.0.1 port=1 password=s3cret\udcff",
]


def told(dsn: str) -> tuple[BridgeError, str]:
    """The error for a DSN, and all that Python could show of it."""
    with pytest.raises(BridgeError) as caught:
        open_connection(dsn)
    error = caught.value
    return error, "".join(traceback.format_exception(error)) + repr(error.__context__) + repr(error.__cause__)


@pytest.mark.parametrize("dsn", TORN)
def test_a_password_that_ends_too_early_shows_in_nothing(dsn: str) -> None:
    error, text = told(dsn)
    assert type(error) is ConfigError
    assert error.exit_code is ExitCode.USAGE
    assert error.message == "the PostgreSQL connection string cannot be read"
    assert "@ as %40, / as %2F" in error.hint
    assert SECRET not in text


@given(st.lists(st.sampled_from([*"@/#?:[]%&=,+ \\'$.%1p", "@/", "%40", "[::1]", "?host="]), max_size=4))
def test_no_password_is_told_whatever_is_in_it(pieces: list[str]) -> None:
    for password in (SECRET.join(["", *pieces, ""]), "".join([*pieces, SECRET]), "".join([SECRET, *pieces])):
        for where in ("127.0.0.1:1/shop", "127.0.0.1:1", "[::1]:1/shop"):
            dsn = f"postgresql://ann:{password}@{where}"
            error, text = told(dsn)
            assert SECRET not in text
            assert type(error) is ConfigError or address(dsn) == where.replace("[", "").replace("]", "")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_any_password_can_be_written_encoded(password: str) -> None:
    assert address(f"postgresql://ann:{quote(password, safe='')}@db.example:5433/shop") == "db.example:5433/shop"


@pytest.mark.parametrize(
    ("dsn", "where"),
    [
        ("postgresql://db.example", "db.example"),
        ("postgresql://", "the local socket"),
        ("postgresql:///shop?host=/run/me@home&user=ann", "/run/me@home/shop"),
        ("postgresql://ann:p%40w@%2Frun%2Fme%40home/shop", "/run/me@home/shop"),
        ("postgresql://ann:p%40w@%40abstract/shop", "@abstract/shop"),
        ("postgresql://ann:p#?:w@db.example/shop", "db.example/shop"),
        ("postgresql://ann:pw@db.example/sh%40p", "db.example/sh@p"),
        ("postgresql://ann:pw@[::1]:5433/shop", "::1:5433/shop"),
        ("postgresql://ann:pw@a.example:5432,b.example:5433/shop", "a.example,b.example/shop"),
        ("postgresql://ann@a.example:,b.example/shop", "a.example,b.example/shop"),
        ("postgresql://db.example:5432/shop?user=ann@home&password=p@w", "db.example:5432/shop"),
        ("postgresql://ann@db.example/shop?sslrootcert=/home/ann@work/root.crt", "db.example/shop"),
        ("postgresql://ann%40home:pw@db.example/shop", "db.example/shop"),
        ("host=db.example password='p@w/x postgresql://' dbname=sh@p", "db.example/sh@p"),
        ("host=@abstract dbname=shop", "@abstract/shop"),
        ("host=/run/me@home,db.example user=ann:x", "/run/me@home,db.example"),
        ("service=shop", "the local socket"),
    ],
)
def test_what_is_written_rightly_is_taken(dsn: str, where: str) -> None:
    assert address(dsn) == where


def test_names_and_passwords_that_need_encoding_get_in(database: str, user: User) -> None:
    parts = {name: str(value) for name, value in conninfo_to_dict(database).items()}
    name = f"{parts['dbname']}@a/b"
    user.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    host = quote(parts["host"], safe="")
    dsn = f"postgresql://{quote(parts['user'])}:p%40%2F%23@{host}:{parts['port']}/{quote(name, safe='')}"
    try:
        with open_connection(dsn) as connection:
            assert connection.info.dbname == name
    finally:
        with psycopg.connect(database, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
