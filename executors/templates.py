"""The Jinja2 environment over `templates/`: unknown names are errors, and values are quoted for where they go."""

import functools
import re
import shlex

import jinja2

_DELIMITER = "END_OF_FILE"
_MODE = re.compile(r"[0-7]{3}\Z")


def render(template: str, **values: object) -> str:
    """The text of a template of `templates/`, such as `prelude.sh.j2`."""
    return _environment().get_template(template).render(**values)


def quote(value: object) -> str:
    """One word of shell, whatever the value holds. As the filter `sh`: `rm -- {{ path | sh }}`."""
    text = str(value)
    if "\0" in text:
        raise ValueError("a shell word cannot hold a NUL character")
    return shlex.quote(text)


def write_file(path: str, content: str, mode: str = "644", command: str = "") -> str:
    """Shell that writes `content` to `path` where it differs, by the prelude's `put_file`, or hands it to `command`.

    The content stands in a quoted here-document whose delimiter is not among its lines, so nothing of it is shell.
    """
    if "\0" in content:
        raise ValueError(f"{path}: a file cannot hold a NUL character")
    if not _MODE.match(mode):
        raise ValueError(f"{path}: a mode is three octal digits, not {mode!r}")
    if content and not content.endswith("\n"):
        raise ValueError(f"{path}: a file ends with a newline")
    command = command or f"put_file {quote(path)} {quote(mode)}"
    if not content:
        return f"{command} </dev/null"
    delimiter = _DELIMITER
    lines = set(content.split("\n"))
    while delimiter in lines:
        delimiter += "_"
    return f"{command} <<'{delimiter}'\n{content}{delimiter}"


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(  # noqa: S701 - the output is shell and configuration, never HTML
        loader=jinja2.PackageLoader("templates", ""),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # In shell, ${#list[@]} is no comment.
        comment_start_string="{//",
        comment_end_string="//}",
    )
    environment.filters["sh"] = quote
    environment.globals["write_file"] = write_file
    return environment
