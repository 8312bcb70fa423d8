"""A terminal, as far as a display of several lines needs one: what a person sees of what was written to it."""

import re

_PIECES = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|(.)", re.DOTALL)


class Screen:
    """So many columns and rows; what has left it at the top can be read, but not be written any more."""

    def __init__(self, columns: int, rows: int = 50) -> None:
        self._columns, self._rows = columns, rows
        self._lines: list[list[str]] = [[]]
        self._row = self._column = 0
        self.cursor_is_shown = True

    def write(self, text: str) -> None:
        """Do what a terminal does. Raises `ValueError` for what this one does not know."""
        for numbers, control, letter in _PIECES.findall(text):
            if control:
                self._obey(numbers, control)
            elif letter == "\n":
                self._down()
            elif letter == "\r":
                self._column = 0
            elif letter.isprintable():
                self._put(letter)
            else:
                raise ValueError(f"this terminal does not know {letter!r}")

    def lines(self) -> list[str]:
        """What is above the cursor, without the spaces at the ends. Raises `ValueError` where there is more."""
        lines = ["".join(line).rstrip() for line in self._lines]
        if self._column or any(lines[self._row :]):
            raise ValueError(f"the next prompt would stand in {lines[self._row :]}")
        return lines[: self._row]

    def _obey(self, numbers: str, control: str) -> None:
        match numbers, control:
            case _, "m":
                return
            case "?25", "l" | "h":
                self.cursor_is_shown = control == "h"
            case _, "A":
                top = max(0, len(self._lines) - self._rows)
                self._row = max(top, self._row - int(numbers or "1"))
            case "2", "K":
                self._lines[self._row] = []
            case _:
                raise ValueError(f"this terminal does not know {numbers}{control}")

    def _put(self, letter: str) -> None:
        # Only what comes after the last column goes to the next line.
        if self._column == self._columns:
            self._down()
        line = self._lines[self._row]
        line.extend(" " * (self._column + 1 - len(line)))
        line[self._column] = letter
        self._column += 1

    def _down(self) -> None:
        self._row, self._column = self._row + 1, 0
        if self._row == len(self._lines):
            self._lines.append([])
