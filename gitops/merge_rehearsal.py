"""What merging a branch would give: a tree that Git makes and nobody refers to."""

import difflib

import git

from model.errors import Refused

MERGE_CONFLICTS = 1
SHORTEST_HASH = 7


def resolve(repo: git.Repo, url: str, name: str, prefix: str) -> str:
    """The commit of a branch under `prefix`, or of a hash. Raises `Refused` with the nearest branch."""
    for spec in (f"{prefix}{name}", *([name] if len(name) >= SHORTEST_HASH else [])):
        try:
            return str(repo.git.rev_parse("--verify", "--quiet", "--end-of-options", f"{spec}^{{commit}}"))
        except git.GitCommandError:
            continue
    branches = str(repo.git.for_each_ref("--format=%(refname)", prefix)).split()
    known = [branch.removeprefix(prefix) for branch in branches]
    near = next(iter(difflib.get_close_matches(name, known, n=1)), None)
    hint = f"did you mean {near}?" if near else f"there are {', '.join(sorted(known)[:10])}."
    raise Refused(f"{url} has no branch or revision '{name}'; {hint}", f"plan {near}" if near else "")


def merged_tree(repo: git.Repo, onto: str, commit: str, name: str) -> str:
    """The tree of a merge that is not made. Raises `Refused` where there are conflicts."""
    status, out, err = repo.git.merge_tree(
        "--write-tree", "--name-only", "--no-messages", onto, commit, with_extended_output=True, with_exceptions=False
    )
    tree, *conflicts = str(out).split("\n\n")[0].splitlines() or [""]
    if status == 0:
        return tree
    if status == MERGE_CONFLICTS and conflicts:
        raise Refused(f"{name} cannot be merged as it is: there are conflicts in {', '.join(sorted(set(conflicts)))}.")
    said = str(err).strip().splitlines() or ["git gave no reason"]
    raise Refused(f"What merging {name} would give cannot be said: {said[-1][:200]}")
