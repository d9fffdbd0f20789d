"""Who has the device's memory: a network's workspaces, the data sets that stay there, and what is made on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from numpy.typing import NDArray

from pytmva_rnn.kernels.cuda.machine.memory import Residents
from pytmva_rnn.kernels.cuda.machine.staging import Staging
from pytmva_rnn.kernels.cuda.machine.weights import DeviceWeights
from pytmva_rnn.kernels.cuda.machine.workspace import DeviceWorkspace, NetworkWorkspace, affordable, bytes_of
from pytmva_rnn.kernels.cuda.small.choice import choose, one_kernel_wanted
from pytmva_rnn.kernels.cuda.small.workspace import SmallWorkspace

__all__ = ["Reserve"]

_MOST_EVENTS, _MOST_BYTES = 1 << 17, 1 << 30
"""At most so many events go through the network at once in inference, and so many bytes if there are some thousands."""

_SOME_EVENTS = 1 << 13

_PLACE = 1 << 26
"""Bytes of the events that come at once from the host: so many that to hand them on counts little."""

_KEPT = 8
"""At most so many things are made on the memory and kept."""

Made = TypeVar("Made")


class Reserve:
    """The device's memory for one network.

    There is one workspace of a kind, for training, for gradients and for inference: it makes room for one of another
    size. Where the memory is too little the others are given up, and then the data sets.

    Parameters
    ----------
    layers : sequence of layer descriptions
    weights : DeviceWeights
    shape : T and D of an event
    loss : letter of the loss
    drop : each layer's probability to drop an input
    stream : CUDA stream
    threads : int, optional
        Of the host, for copies.

    Attributes
    ----------
    one_kernel : bool
        Whether small networks have one kernel for it all.
    """

    def __init__(
        self,
        layers: Sequence[Any],
        weights: DeviceWeights,
        shape: tuple[int, int],
        loss: str,
        drop: tuple[float, ...],
        stream: Any,
        threads: int | None,
    ) -> None:
        self._network = (layers, weights, *shape)
        self.one_kernel = one_kernel_wanted()
        self._loss, self._drop, self._stream, self._threads = loss, drop, stream, threads
        self._workspaces: dict[str, NetworkWorkspace] = {}
        self._residents = Residents()
        self._stagings: dict[Any, Staging] = {}
        self._made: dict[Any, Any] = {}

    def training(self, events: int) -> NetworkWorkspace:
        """For batches of some events."""
        return self._exactly("training", events, training=True, drop=self._drop)

    def gradients(self, events: int) -> DeviceWorkspace:
        """For a batch whose gradients are wanted, also those of the inputs, without dropout."""
        return cast("DeviceWorkspace", self._exactly("gradients", events, training=True, input_gradient=True))

    def inference(self, events: int) -> NetworkWorkspace:
        """For as many of some events as pay, and fit into the device's memory, at once."""
        known = self._workspaces.get("inference")
        if known is not None and known.events >= events:
            return known
        per_event, _ = needs = bytes_of(*self._network, training=False, input_gradient=False)
        most = min(_MOST_EVENTS, max(_SOME_EVENTS, _MOST_BYTES // per_event))
        # sizes that grow from call to call are few: powers of two
        wanted = 1 << (min(events, most) - 1).bit_length()
        if known is not None and known.events >= min(wanted, most):
            return known
        if known is not None:
            self._give_up("inference")
        size = min(wanted, most)
        # in smaller pieces rather than without the data of a training
        fitting = affordable(*needs)
        if not fitting and self._release("inference"):
            fitting = affordable(*needs)
        return self._make("inference", max(1, min(size, fitting)))

    def data(self, *arrays: NDArray[Any]) -> tuple[Any, ...] | None:
        """Copies of arrays of the host that stay on the device; None if it has too little memory for them."""
        return self._residents.get(*arrays)

    def staging(self, kind: str, rows: int, *shapes: tuple[int, ...]) -> Staging:
        """Where events come from the host for the workspace of a kind, at most `rows` at once; see `rows_at_once`."""
        key = (kind, shapes)
        known = self._stagings.get(key)
        if known is None or known.rows != rows:
            self._stagings.pop(key, None)
            try:
                known = Staging(rows, shapes, self._stream, self._threads)
            except MemoryError:
                if not self._release(kind):
                    raise
                known = None
            known = known or Staging(rows, shapes, self._stream, self._threads)
            self._stagings[key] = known
        known.begin()
        return known

    def rows_at_once(self, workspace: NetworkWorkspace) -> int:
        """How many events pay to come at once, of those that the workspace takes."""
        *_, steps, inputs = self._network
        return max(1, min(workspace.events, _PLACE // (4 * steps * inputs)))

    def made(self, kind: str, key: tuple[Any, ...], make: Callable[[], Made]) -> Made:
        """What is made on the workspace of a kind and on data, once for a key, until either is given up.

        The key has the `id` of whatever it is made on, which it keeps.
        """
        whole = (kind, *key)
        known: Made = self._made.pop(whole) if whole in self._made else make()
        # the last is what was used last
        self._made[whole] = known
        if len(self._made) > _KEPT:
            del self._made[next(iter(self._made))]
        return known

    def _exactly(self, kind: str, events: int, **options: Any) -> NetworkWorkspace:
        known = self._workspaces.get(kind)
        if known is not None and known.events == events:
            return known
        self._give_up(kind)
        try:
            return self._make(kind, events, **options)
        except MemoryError:
            # a batch comes before all else
            if not self._release(kind):
                raise
        # now that the error, and what it holds, is gone
        return self._make(kind, events, **options)

    def _make(self, kind: str, events: int, **options: Any) -> NetworkWorkspace:
        self._workspaces[kind] = made = self._small(events, **options) or DeviceWorkspace(
            *self._network, self._loss, events, **options
        )
        return made

    def _small(
        self, events: int, *, training: bool = False, input_gradient: bool = False, drop: Sequence[float] = ()
    ) -> SmallWorkspace | None:
        """The workspace of a network that has one kernel for it all, if it is such a network."""
        layers, weights, steps, inputs = self._network
        drops = any(layer.drops_inputs and p > 0 for layer, p in zip(layers, drop, strict=False))
        if not self.one_kernel or input_gradient or drops:
            return None
        network = choose(layers, weights, steps * inputs, events, training=training)
        return None if network is None else SmallWorkspace(network, weights, self._loss, events)

    def _give_up(self, kind: str) -> None:
        self._workspaces.pop(kind, None)
        for key in [each for each in self._made if each[0] == kind]:
            del self._made[key]

    def _release(self, kind: str) -> bool:
        """Free all but the workspace of a kind; returns whether there was anything."""
        others = [each for each in self._workspaces if each != kind]
        for each in others:
            del self._workspaces[each]
        had = bool(others or self._stagings)
        self._stagings.clear()
        self._made.clear()
        return self._residents.release() or had
