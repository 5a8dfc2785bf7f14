"""YAML of strangers: one mapping, small, no key twice, no alias that grows to gigabytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import FileFormatError
from .regular import regular_file

YAML_BYTES = 1 << 18
"""Most bytes of a YAML file; the suite's own have at most 12 KiB."""
NODES = 50_000
"""Most values of a YAML file, each alias counted with all that it stands for."""


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read a YAML file that holds one mapping.

    Args:
        path: The file, UTF-8.

    Returns:
        Its content; keys are whatever YAML makes of them.

    Raises:
        FileFormatError: The file is missing, too large, no YAML, or no mapping; a key stands twice; or aliases grow.
    """
    import yaml

    path = Path(path)
    try:
        size = regular_file(path)
        if size > YAML_BYTES:
            raise FileFormatError(path, f"{size} bytes, at most {YAML_BYTES} are accepted", "is it the right file?")
        content = parse_yaml(path.read_text(encoding="utf-8-sig"), path)
    except FileNotFoundError:
        raise FileFormatError(path, "no such file") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "cannot be parsed"
        raise FileFormatError(
            path,
            f"malformed YAML ({problem})",
            "check indentation, colons and brackets",
            mark.line + 1 if mark else None,
        ) from error
    except UnicodeDecodeError as error:
        raise FileFormatError(path, "is not UTF-8 text", "save it as UTF-8") from error
    except OSError as error:
        raise FileFormatError(path, f"cannot be read ({error.strerror})", "check the path") from error
    if not isinstance(content, dict):
        raise FileFormatError(path, "expected a mapping of field: value lines")
    return content


def parse_yaml(text: str, path: str | Path) -> Any:
    """What a YAML text says.

    Args:
        text: The text.
        path: Where it comes from, for messages.

    Raises:
        FileFormatError: It is nested too deeply, a key stands twice, aliases grow or go round, or a value is none.
        yaml.YAMLError: It is no YAML.
    """
    import yaml

    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _measure(node, {}, path)
        return loader.construct_document(node)
    except RecursionError:
        raise FileFormatError(path, "is nested too deeply", "write it flat") from None
    except (ValueError, OverflowError, TypeError) as error:  # a date of month 13, a number of 5,000 digits
        raise FileFormatError(path, f"holds a value that is none ({error})", "correct it, or quote it") from None
    finally:
        loader.dispose()


def _measure(node: Any, known: dict[int, int], path: str | Path) -> int:
    """Number of values below a node with every alias written out; refuses keys that stand twice on the way."""
    from yaml.nodes import MappingNode, ScalarNode, SequenceNode

    if id(node) in known:
        if not known[id(node)]:
            raise FileFormatError(path, "an alias holds itself", "write it out", node.start_mark.line + 1)
        return known[id(node)]
    known[id(node)] = 0
    total = 1
    if isinstance(node, SequenceNode):
        total += sum(_measure(item, known, path) for item in node.value)
    elif isinstance(node, MappingNode):
        seen: set[tuple[str, str]] = set()
        for key, value in node.value:
            if isinstance(key, ScalarNode):
                name = (key.tag, key.value)
                if name in seen and key.value != "<<":
                    problem = f"the field {key.value[:60]!r} stands twice"
                    raise FileFormatError(path, problem, "keep one of them", key.start_mark.line + 1)
                seen.add(name)
            total += _measure(key, known, path) + _measure(value, known, path)
    if total > NODES:
        problem = f"its aliases grow to more than {NODES} values"
        raise FileFormatError(path, problem, "write it out", node.start_mark.line + 1)
    known[id(node)] = total
    return total
