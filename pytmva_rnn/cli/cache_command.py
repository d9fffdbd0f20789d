"""`pytmva-rnn cache`: what trainings within a limit of memory have kept on disk."""

from __future__ import annotations

import argparse
from datetime import datetime

from pytmva_rnn.cli.tables import plain_table, show
from pytmva_rnn.data.cache_limit import LIMIT_VARIABLE
from pytmva_rnn.data.event_cache import CACHE_VARIABLE, cache_folder, cached_events, clear_cache
from pytmva_rnn.data.memory_limit import in_words

__all__ = ["add_command", "run"]

_EPILOG = f"""\
examples:
  pytmva-rnn cache
  pytmva-rnn cache --clear

Events are kept there by `pytmva-rnn train --memory SIZE` and `pytmva_rnn.load(..., memory=)`. The environment variable
{CACHE_VARIABLE} names another folder, and {LIMIT_VARIABLE} (or [cache] limit in a configuration) the size, 100 GB by
default, above which the events go that were not used for longest.
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser], summary: str) -> None:
    """Declare the arguments."""
    parser = commands.add_parser(
        "cache",
        help=summary,
        description="Show the events that are kept on disk for further trainings, or remove them.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--clear", action="store_true", help="remove all of them")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """List what there is, or remove it."""
    if given.clear:
        print(f"removed {in_words(clear_cache())} from {cache_folder()}")
        return 0
    found = list(cached_events())
    print(f"{len(found)} sets of events in {cache_folder()}, {in_words(sum(each.size for each in found))}")
    if found:
        columns = [("made", "left"), ("events", "right"), ("size", "right"), ("from", "left")]
        rows = [
            (
                datetime.fromtimestamp(each.made).astimezone().strftime("%Y-%m-%d %H:%M"),
                f"{each.events:,}",
                in_words(each.size),
                each.files[0] + (f" and {len(each.files) - 1} more" if len(each.files) > 1 else ""),
            )
            for each in found
        ]
        show(plain_table("Cached events", columns, rows))
    return 0
