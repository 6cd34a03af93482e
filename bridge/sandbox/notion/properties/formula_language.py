"""A small part of Notion's formula language: enough for formulas that people put into tables.

Arithmetic, comparison, `and or not`, `if`, and a dozen functions. Whatever is beyond that is refused when the
formula is written, as a client of the real API would see for a formula that does not parse.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(r'\s*(?:(\d+(?:\.\d+)?)|"((?:[^"\\]|\\.)*)"|([A-Za-z]\w*)|(==|!=|<=|>=|&&|\|\||[-+*/%^<>(),!?:.]))')
_BINARY = {
    "or": 1, "||": 1, "and": 2, "&&": 2, "==": 3, "!=": 3, "<": 4, ">": 4, "<=": 4, ">=": 4,
    "+": 5, "-": 5, "*": 6, "/": 6, "%": 6, "^": 7,
}  # fmt: skip


_IF_ARGS = 3


class FormulaError(Exception):
    """The formula cannot be read, or does not fit its values."""


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a formula: `op` is number, text, prop, call or an operator."""

    op: str
    value: Any = None
    args: tuple[Node, ...] = ()


def parse(source: str) -> Node:
    """The formula as a tree; FormulaError when it is outside the subset."""
    parser = _Parser(_tokens(source))
    node = parser.expression(0)
    if parser.peek() is not None:
        raise FormulaError(f"unexpected {parser.peek()[1]!r}")  # type: ignore[index]
    return node


def _tokens(source: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    position = 0
    text = source.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise FormulaError(f"cannot read {text[position : position + 20]!r}")
        position = match.end()
        kind = ("number", "text", "word", "op")[int(match.lastindex or 1) - 1]
        tokens.append((kind, str(match.group(match.lastindex or 1))))
    return tokens


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.at = 0

    def peek(self) -> tuple[str, str] | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, expected: str | None = None) -> tuple[str, str]:
        token = self.peek()
        if token is None or (expected is not None and token[1] != expected):
            raise FormulaError(f"expected {expected or 'a value'}, found {token[1] if token else 'the end'}")
        self.at += 1
        return token

    def expression(self, level: int) -> Node:
        left = self.unary()
        while (token := self.peek()) and token[0] != "text" and _BINARY.get(token[1], -1) > level:
            self.take()
            left = Node(token[1], args=(left, self.expression(_BINARY[token[1]])))
        if level == 0 and (token := self.peek()) and token[1] == "?":
            self.take()
            yes = self.expression(0)
            self.take(":")
            return Node("call", "if", (left, yes, self.expression(0)))
        return left

    def unary(self) -> Node:
        token = self.take()
        if token[0] == "number":
            return Node("number", float(token[1]))
        if token[0] == "text":
            return Node("text", re.sub(r"\\(.)", r"\1", token[1]))
        if token[1] == "(":
            inner = self.expression(0)
            self.take(")")
            return inner
        if token[1] in ("-", "not", "!"):
            return Node("call", "negate" if token[1] == "-" else "not", (self.unary(),))
        if token[0] != "word":
            raise FormulaError(f"unexpected {token[1]!r}")
        if token[1] in ("true", "false"):
            return Node("boolean", token[1] == "true")
        return self.call(token[1])

    def call(self, name: str) -> Node:
        self.take("(")
        args: list[Node] = []
        while (token := self.peek()) and token[1] != ")":
            args.append(self.expression(0))
            if (token := self.peek()) and token[1] == ",":
                self.take()
        self.take(")")
        if name == "prop":
            if len(args) != 1 or args[0].op != "text":
                raise FormulaError("prop() takes the name of a property")
            return Node("prop", args[0].value)
        if name not in _FUNCTIONS:
            raise FormulaError(f"there is no function {name}()")
        if name == "if" and len(args) != _IF_ARGS:
            raise FormulaError("if() takes a condition and two values")
        return Node("call", name, tuple(args))


def kind(node: Node, prop_kind: Callable[[str], str]) -> str:
    """string, number, boolean or date: what the formula gives, even when its value is empty."""
    if node.op in ("number", "boolean"):
        return node.op
    if node.op == "text":
        return "string"
    if node.op == "prop":
        return prop_kind(node.value)
    if node.op == "call":
        result = _FUNCTIONS[node.value][0]
        return kind(node.args[1], prop_kind) if result == "branch" else result
    if node.op in ("==", "!=", "<", ">", "<=", ">=", "and", "or", "&&", "||"):
        return "boolean"
    if node.op == "+" and "string" in {kind(arg, prop_kind) for arg in node.args}:
        return "string"
    return "number"


def evaluate(node: Node, prop: Callable[[str], Any]) -> Any:
    """The value; None is empty. FormulaError when the values do not fit."""
    if node.op in ("number", "text", "boolean"):
        return node.value
    if node.op == "prop":
        return prop(node.value)
    if node.op == "call" and node.value == "if":
        test, yes, no = node.args
        return evaluate(yes if evaluate(test, prop) else no, prop)
    values = [evaluate(arg, prop) for arg in node.args]
    try:
        if node.op == "call":
            return _FUNCTIONS[node.value][1](*values)
        return _operate(node.op, values[0], values[1])
    except (TypeError, ValueError, IndexError, OverflowError) as error:
        raise FormulaError(f"{node.value or node.op} does not fit {values}") from error


def _operate(op: str, a: Any, b: Any) -> Any:
    if op in ("and", "&&"):
        return bool(a and b)
    if op in ("or", "||"):
        return bool(a or b)
    if op in ("==", "!="):
        return (a == b) is (op == "==")
    if op == "+" and (isinstance(a, str) or isinstance(b, str)):
        return text(a) + text(b)
    if a is None or b is None:
        return None
    if op in ("/", "%") and b == 0:
        return None
    compute: dict[str, Callable[[Any, Any], Any]] = {
        "+": lambda x, y: x + y, "-": lambda x, y: x - y, "*": lambda x, y: x * y, "/": lambda x, y: x / y,
        "%": math.fmod, "^": lambda x, y: x**y, "<": lambda x, y: x < y, ">": lambda x, y: x > y,
        "<=": lambda x, y: x <= y, ">=": lambda x, y: x >= y,
    }  # fmt: skip
    return compute[op](a, b)


def text(value: Any) -> str:
    """A value as a formula writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dict):
        return str(value.get("start", ""))
    return ",".join(text(item) for item in value) if isinstance(value, list) else str(value)


def _round(value: float | None, digits: float = 0) -> float | None:
    # Half away from zero for positive numbers, as JavaScript does; Python rounds half to even.
    return None if value is None else math.floor(value * 10**digits + 0.5) / 10**digits


def _of_number(function: Callable[[float], float]) -> Callable[[float | None], float | None]:
    return lambda value: None if value is None else float(function(value))


_FUNCTIONS: dict[str, tuple[str, Callable[..., Any]]] = {
    "if": ("branch", lambda *values: None),
    "negate": ("number", _of_number(lambda value: -value)),
    "not": ("boolean", lambda value: not value),
    "empty": ("boolean", lambda value: value in (None, "", 0, False, [])),
    "concat": ("string", lambda *values: "".join(text(value) for value in values)),
    "format": ("string", text),
    "length": ("number", lambda value: float(len(value or ""))),
    "lower": ("string", lambda value: text(value).lower()),
    "upper": ("string", lambda value: text(value).upper()),
    "contains": ("boolean", lambda value, part: text(part) in text(value)),
    "toNumber": ("number", lambda value: float(value) if value not in (None, "") else None),
    "abs": ("number", _of_number(abs)),
    "floor": ("number", _of_number(math.floor)),
    "ceil": ("number", _of_number(math.ceil)),
    "sqrt": ("number", _of_number(math.sqrt)),
    "round": ("number", _round),
    "min": ("number", lambda *values: min((v for v in values if v is not None), default=None)),
    "max": ("number", lambda *values: max((v for v in values if v is not None), default=None)),
}
