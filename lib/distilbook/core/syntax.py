"""Source code as text that only what it computes changes: no docstrings, type hints, refusals, log lines, layout."""

from __future__ import annotations

import ast

#: Functions that report to a reader: a call of one, as a statement, computes nothing.
REPORTING = {"print", "log_line", "tell", "warn", "debug", "info", "warning", "error", "exception"}
#: Errors, whose messages do not count where one is made without being raised at once.
ERRORS = {"BookError", "Refusal"}
#: Keyword arguments that are documentation.
DOCUMENTATION = {"description"}


def bare(source: str) -> ast.Module:
    """Return the syntax tree of ``source`` without docstrings, type hints and imports in functions, refusals and log lines.

    A refusal is a ``raise`` or ``assert``, with the ``if`` or ``except`` that holds nothing else.
    """
    return _Bare().visit(ast.parse(source))


class _Bare(ast.NodeTransformer):
    """Removes what computes nothing; a block that becomes empty holds ``pass``."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if getattr(node, "body", None) == [] and not isinstance(node, ast.Module):
            node.body = [ast.Pass()]  # type: ignore[attr-defined]  # of whichever kind of block it is
        return node

    def visit_Raise(self, node: ast.Raise) -> None:
        return None

    def visit_Assert(self, node: ast.Assert) -> None:
        return None

    def visit_Pass(self, node: ast.Pass) -> None:
        return None

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id in ERRORS:
            node.args, node.keywords = [], []
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        if isinstance(node.value, ast.Constant):
            return None
        called = node.value.func if isinstance(node.value, ast.Call) else None
        name = getattr(called, "id", None) or getattr(called, "attr", None)
        return None if name in REPORTING else self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        refuses = _refuses(node.body) and not node.orelse
        self.generic_visit(node)
        if not refuses:
            return node
        # The test of a refusal counts only where it names a value, which may be used below.
        return ast.Expr(node.test) if any(isinstance(part, ast.NamedExpr) for part in ast.walk(node.test)) else None

    def visit_Try(self, node: ast.Try) -> ast.AST | list[ast.stmt]:
        node.handlers = [handler for handler in node.handlers if not _refuses(handler.body)]
        if node.handlers or node.finalbody:
            return self.generic_visit(node)
        plain = ast.Module(node.body + node.orelse, [])
        self.generic_visit(plain)
        return plain.body

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        node.body = [_unannotated(part) for part in node.body if not isinstance(part, ast.Import | ast.ImportFrom)]
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_keyword(self, node: ast.keyword) -> ast.AST | None:
        return None if node.arg in DOCUMENTATION else self.generic_visit(node)


def _refuses(body: list[ast.stmt]) -> bool:
    """Return whether a block ends in an error, whatever it prepares for its message."""
    return isinstance(body[-1], ast.Raise)


def _unannotated(node: ast.stmt) -> ast.stmt:
    """Return a local variable's annotated assignment as a plain one."""
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        return ast.Assign([node.target], node.value)
    return node


def text_of(part: object) -> str:
    """Return a part of a syntax tree as text: a node with its fields that are not empty, a list, or a value."""
    if isinstance(part, list):
        return f"[{','.join(map(text_of, part))}]"
    if not isinstance(part, ast.AST):
        return ascii(part)  # what repr shows of a text depends on the version, too
    fields = [(name, value) for name, value in ast.iter_fields(part) if value not in (None, [])]
    if isinstance(part, ast.Constant):
        fields = [("value", part.value)]
    if isinstance(part, ast.JoinedStr):
        fields = [("values", _joined(part.values))]
    return f"{type(part).__name__}({','.join(f'{name}={text_of(value)}' for name, value in fields)})"


def _joined(parts: list[ast.expr]) -> list[ast.expr]:
    """Return the parts of an f-string with neighbouring texts put together, and without empty ones."""
    found: list[ast.expr] = []
    for part in parts:
        before = found[-1] if found else None
        if isinstance(part, ast.Constant) and isinstance(before, ast.Constant):
            found[-1] = ast.Constant(str(before.value) + str(part.value))
        elif not isinstance(part, ast.Constant) or part.value:
            found.append(part)
    return found
