"""``deqmath list``."""

from __future__ import annotations

from pathlib import Path


def list_command(*targets: str, json: Path | None = None) -> None:
    """List the claims: id, source, equation, statement.

    Parameters
    ----------
    targets : ID or PATH
        Claim ids, patterns of ids (gg22.*), files, folders, or FILE::ID. Default: all claims
        that came with deqmath or with installed packages. Files are Python and are run.
    json : FILE
        Write the list to this file as JSON; - is stdout.
    """
    from deqmath.claims import Cache
    from deqmath.claims.catalogue import collect_and_remember, listed
    from deqmath.claims.report import to_text
    from deqmath.claims.write import check_target, write_text
    from deqmath.cli.terminal import note, show

    check_target(json, "--json")
    known = listed(Cache(), targets)
    claims = collect_and_remember(Cache(), targets) if known is None else known
    if json is not None:
        fields = ("id", "source", "equation", "statement", "expect")
        write_text(json, to_text({"claims": [{name: getattr(claim, name) for name in fields} for claim in claims]}))
    elif claims:
        from deqmath.claims.table import listing

        show(listing(claims))
    else:
        note("no claims found")
