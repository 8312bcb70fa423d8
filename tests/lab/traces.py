"""What a lab or a host has on this machine, for tests that there is nothing."""

from pathlib import Path

from lab.cgroup import hierarchies


def traces_of(group: str, number: int, folder: Path) -> list[str]:
    """Processes, control groups, namespaces, interfaces, mounts and files of the lab with this group and folder."""
    unified, legacy = hierarchies(Path("/proc/self/mounts").read_text())
    assert unified is not None
    found = [
        *(str(hierarchy / group) for hierarchy in (unified, *legacy) if (hierarchy / group).exists()),
        *(str(path) for path in Path("/run/netns").glob(f"{group}-*")),
        *(str(path) for path in Path("/sys/class/net").glob(f"flstr{number}-*")),
        *(line for line in Path("/proc/self/mounts").read_text().splitlines() if str(folder) in line),
        *([str(folder)] if folder.exists() else []),
    ]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            said = (process / "cmdline").read_text() + (process / "cgroup").read_text()
            roots = (process / "mountinfo").read_text()
        except OSError:
            continue  # it ended while we looked
        if "(deleted)" in said:
            continue  # a zombie that the machine's init has yet to hear of
        if f"/{group}/" in said or f"--machine={group}-" in said or str(folder) in roots:
            found.append(f"process {process.name}: {said}")
    return found
