"""What comes of looking at a cluster that runs."""

from dataclasses import dataclass, field


@dataclass
class Adopted:
    """The keys that are to be written, and a sentence for each thing that was left out or has to be known."""

    puts: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def add(self, more: "Adopted") -> None:
        """Take both of another part."""
        self.puts |= more.puts
        self.left_out += more.left_out
