"""The table [weights] of the configuration: what is done to the weights of the events, beyond TMVA's options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pytmva_rnn.config.checking import check_keys, within
from pytmva_rnn.data.reweighting import Reweight
from pytmva_rnn.data.sums_of_weights import NegativeWeights
from pytmva_rnn.errors import ConfigError

__all__ = ["WeightsConfig", "weights_config"]


@dataclass(frozen=True)
class WeightsConfig:
    """What is done to the weights of the events; see `pytmva_rnn.load`.

    Attributes
    ----------
    negative : "keep", "absolute" or "ignore"
        What becomes of events of negative weight.
    balance : bool
        Give all classes the same sum of weights.
    reweight : Reweight, optional
        Make the distribution of one or two variables that of a reference class, or flat.
    """

    negative: NegativeWeights = "keep"
    balance: bool = False
    reweight: Reweight | None = None


def weights_config(table: Mapping[str, Any]) -> WeightsConfig:
    """From the table [weights].

    Raises
    ------
    ConfigError
        For a key that is unknown, missing or wrong.
    """
    check_keys(table, ("negative", "balance", "reweight"), "[weights] has no key")
    negative, balance = table.get("negative", "keep"), table.get("balance", False)
    if negative not in get_args(NegativeWeights):
        raise ConfigError(f"[weights] negative is one of {', '.join(get_args(NegativeWeights))}, not {negative!r}")
    if not isinstance(balance, bool):
        raise ConfigError(f"[weights] balance is true or false, not {balance!r}")
    given = table.get("reweight")
    if given is None:
        return WeightsConfig(negative, balance)
    if not isinstance(given, dict):
        raise ConfigError(f"[weights] reweight is a table, [weights.reweight], not {given!r}")
    return WeightsConfig(negative, balance, within("[weights.reweight]", Reweight.from_dict, given))
