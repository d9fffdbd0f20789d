"""The table [cache] of the configuration: how much of the disk events may take that are kept for later trainings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from pytmva_rnn.config.checking import check_keys, within
from pytmva_rnn.data.cache_limit import cache_limit

__all__ = ["CacheConfig", "cache_config"]


@dataclass(frozen=True)
class CacheConfig:
    """The cache on disk of trainings within a limit of memory; see `pytmva_rnn.load`.

    Attributes
    ----------
    limit : int or str, optional
        Bytes, or a text such as `"20 GB"`: when the cache has more, the events go that were not used for longest. When
        None, the environment variable PYTMVA_RNN_CACHE_LIMIT, or 100 GB.
    """

    limit: int | str | None = None


def cache_config(table: Mapping[str, Any]) -> CacheConfig:
    """From the table [cache].

    Raises
    ------
    ConfigError
        For a key that is unknown or wrong.
    """
    check_keys(table, [f.name for f in fields(CacheConfig)], "[cache] has no key")
    if "limit" in table:
        within("[cache]", cache_limit, table["limit"])
    return CacheConfig(**table)
