"""A program: prints where the functions of the files in its folder are. It imports nothing of this package.

`outliner.py FOLDER` takes the folder that ast_grep_py is in; the files' names are in the file `names`, one a line.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

_SCRIPT = [
    "function_declaration", "generator_function_declaration", "function_expression", "arrow_function",
    "method_definition",
]  # fmt: skip
_KINDS = {
    "bash": ["function_definition"],
    "c": ["function_definition"],
    "cpp": ["function_definition", "lambda_expression"],
    "csharp": [
        "method_declaration", "constructor_declaration", "destructor_declaration", "local_function_statement",
        "property_declaration", "operator_declaration",
    ],
    "css": ["rule_set"],
    "dart": ["method_declaration", "function_declaration"],
    "elixir": [],
    "go": ["function_declaration", "method_declaration", "func_literal"],
    "haskell": ["function"],
    "hcl": ["block"],
    "java": ["method_declaration", "constructor_declaration", "compact_constructor_declaration", "lambda_expression"],
    "javascript": _SCRIPT,
    "kotlin": ["function_declaration", "secondary_constructor", "anonymous_function", "lambda_literal"],
    "lua": ["function_declaration", "function_definition"],
    "nix": ["function_expression"],
    "php": ["function_definition", "method_declaration", "anonymous_function"],
    "python": ["function_definition"],
    "ruby": ["method", "singleton_method"],
    "rust": ["function_item", "macro_definition", "closure_expression"],
    "scala": ["function_definition"],
    "solidity": [
        "function_definition", "constructor_definition", "modifier_definition", "fallback_receive_definition",
    ],
    "swift": ["function_declaration", "init_declaration", "deinit_declaration", "subscript_declaration"],
    "tsx": _SCRIPT,
    "typescript": _SCRIPT,
}  # fmt: skip
_SUFFIXES = {
    "bash": ".sh .bash .bats",
    "c": ".c .h",
    "cpp": ".cc .cpp .cxx .c++ .hh .hpp .hxx .ino .cu",
    "csharp": ".cs",
    "css": ".css",
    "dart": ".dart",
    "elixir": ".ex .exs",
    "go": ".go",
    "haskell": ".hs",
    "hcl": ".tf .hcl .tfvars",
    "java": ".java",
    "javascript": ".js .mjs .cjs .jsx",
    "kotlin": ".kt .kts .ktm",
    "lua": ".lua",
    "nix": ".nix",
    "php": ".php",
    "python": ".py .pyi .pyw",
    "ruby": ".rb .rake .gemspec",
    "rust": ".rs",
    "scala": ".scala .sc .sbt",
    "solidity": ".sol",
    "swift": ".swift",
    "tsx": ".tsx",
    "typescript": ".ts .mts .cts",
}
LANGUAGES = {suffix: language for language, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
# In Elixir everything is a call; these define functions.
_ELIXIR: Any = {"kind": "call", "has": {"kind": "identifier", "regex": "^(def|defp|defmacro|test)$"}}


def main() -> None:
    """Print a line of JSON for each file."""
    sys.path.append(sys.argv[1])
    for name in Path("names").read_text(encoding="ascii").split("\n"):
        text = Path(name).read_bytes().decode("utf-8", "replace")
        print(json.dumps(outline(text, LANGUAGES[os.path.splitext(name)[1]])))  # noqa: T201, PTH122 - a program


def outline(text: str, language: str) -> list[tuple[int, int]]:
    """Return first and last line, 1-based, of each function that has several lines."""
    from ast_grep_py import Rule, SgRoot  # noqa: PLC0415 - only where the program runs

    rules: list[Rule] = [_ELIXIR] if language == "elixir" else [Rule(kind=kind) for kind in _KINDS[language]]
    found = set()
    for node in SgRoot(text, language).root().find_all(any=rules):
        parent = node.parent()
        start = parent if parent is not None and parent.kind() == "decorated_definition" else node
        first, last = start.range().start.line + 1, node.range().end.line + 1
        if last > first:
            found.add((first, last))
    return sorted(found)


if __name__ == "__main__":
    main()
