"""Keys of a terminal, one at a time and without Enter."""

from __future__ import annotations

import codecs
import os
import select
import termios
import threading
import tty
from collections.abc import Callable
from types import TracebackType

END = "end of input"
CTRL_C = "ctrl-c"
_WAIT_REST_S = 0.05  # an arrow is several bytes, which a slow line may cut; a lone Escape has no rest
_SUSPEND = 10  # the place of Ctrl-Z among the control characters of `termios`, where the platform does not name it
_SEQUENCES = {
    **{
        f"\x1b[{letter}": name
        for letter, name in zip("ABCDHF", ("up", "down", "right", "left", "home", "end"), strict=True)
    },
    **{
        f"\x1bO{letter}": name
        for letter, name in zip("ABCDHF", ("up", "down", "right", "left", "home", "end"), strict=True)
    },
    "\x1b[1~": "home",
    "\x1b[7~": "home",
    "\x1b[4~": "end",
    "\x1b[8~": "end",
    "\x1b[5~": "page up",
    "\x1b[6~": "page down",
}
_NAMES = {
    "\r": "enter",
    "\n": "enter",
    "\x1b": "escape",
    "\x7f": "backspace",
    "\b": "backspace",
    "\x03": CTRL_C,
    "\x04": END,
}


class Keys:
    """Reads single keys from a terminal inside the `with` block; the terminal is then as it was.

    `signals`: Ctrl-C goes on interrupting the process; otherwise it is a key. Ctrl-Z does nothing: a program that
    holds the whole screen, and perhaps a lock, is not to be left lying about.
    """

    def __init__(self, terminal: int, *, signals: bool) -> None:
        self._terminal = terminal
        self._signals = signals
        self._decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
        self._pressed = ""
        self._before: list[object] | None = None
        self._wake_read, self._wake_write = -1, -1

    def __enter__(self) -> Keys:
        self._before = termios.tcgetattr(self._terminal)
        self._wake_read, self._wake_write = os.pipe()
        tty.setcbreak(self._terminal)
        mode = termios.tcgetattr(self._terminal)
        controls = mode[6]
        controls[getattr(termios, "VSUSP", _SUSPEND)] = b"\0"
        if not self._signals:
            mode[3] &= ~termios.ISIG
        termios.tcsetattr(self._terminal, termios.TCSADRAIN, mode)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.restore()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def restore(self) -> None:
        """Gives the terminal its old ways back. Also where the process ends without leaving the block."""
        if self._before is not None:
            termios.tcsetattr(self._terminal, termios.TCSADRAIN, self._before)  # type: ignore[arg-type]  # as it came
            self._before = None

    def interrupt(self) -> None:
        """Ends a `get` that waits, from another thread."""
        os.write(self._wake_write, b"x")

    def get(self, timeout: float | None = None) -> str:
        """The next key by name or character; "" when none came in time; END when there will be none any more."""
        if not self._pressed and not self._read(timeout):
            return ""
        return self._take()

    def _read(self, timeout: float | None) -> bool:
        ready, _, _ = select.select([self._terminal, self._wake_read], [], [], timeout)
        if self._wake_read in ready:
            os.read(self._wake_read, 64)
        if self._terminal not in ready:
            return False
        try:
            got = os.read(self._terminal, 1024)
        except OSError:  # the terminal is gone
            got = b""
        self._pressed += self._decode(got) if got else "\x04"
        return bool(self._pressed)

    def _take(self) -> str:
        if self._pressed == "\x1b":
            self._read(_WAIT_REST_S)
        if self._pressed.startswith(("\x1b[", "\x1bO")):
            return self._take_sequence()
        key, self._pressed = self._pressed[0], self._pressed[1:]
        return _NAMES.get(key, key)

    def _take_sequence(self) -> str:
        """A key that sends several characters, up to its final letter; one that is not known is no key."""
        end = 2
        while end < len(self._pressed) and not ("@" <= self._pressed[end] <= "~"):
            end += 1
        sequence, self._pressed = self._pressed[: end + 1], self._pressed[end + 1 :]
        return _SEQUENCES.get(sequence, "unknown")


class KeyThread:
    """Hands every key to `pressed` (which must be safe to call from a thread) until it is closed."""

    def __init__(self, terminal: int, pressed: Callable[[str], None]) -> None:
        self.keys = Keys(terminal, signals=True)
        self._pressed = pressed
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="notion-bridge-keys", daemon=True)

    def open(self) -> None:
        self.keys.__enter__()
        self._thread.start()

    def close(self) -> None:
        """Leaves the terminal to others."""
        self._closing = True
        self.keys.interrupt()
        self._thread.join()
        self.keys.__exit__(None, None, None)

    def _run(self) -> None:
        while not self._closing:
            key = self.keys.get()
            if key == END:
                return  # nobody types any more; the bridge goes on
            if key:
                self._pressed(key)
