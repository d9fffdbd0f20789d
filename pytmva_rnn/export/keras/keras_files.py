"""Keras' files: the configuration, and the arrays of each layer, read without Keras.

`.keras` is a zip of `config.json` and `model.weights.h5`, in which layers stand under their class, and a number that
counts the layers of that class. `.h5`, of Keras 2 and 3, has the configuration in an attribute, and the names of arrays
in others.
"""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn import extras
from pytmva_rnn.errors import DataError, TMVAError, first_line
from pytmva_rnn.export.keras.hdf5_heaps import check_heaps

__all__ = ["CONFIG", "METADATA_FILE", "WEIGHTS", "ArraysOf", "KerasFile", "open_keras", "snake_case"]

CONFIG, METADATA_FILE, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_CONTAINERS = ("layers", "_layer_checkpoint_dependencies")
"""Where `model.weights.h5` has the layers: of Keras 3, and of Keras 2.12 to 2.15."""
_DENSEST = 1000
"""So many times larger than its compressed form a file's content is believed to be."""

ArraysOf: TypeAlias = Callable[[str, Sequence[str]], dict[str, NDArray[Any]]]
"""From a layer's name and the names of its arrays, in Keras' order, to the arrays that the file has of it."""


class KerasFile:
    """What a file says: the model's configuration, its arrays, and what other programs wrote beside them.

    Attributes
    ----------
    path : str
    config : mapping
        With `class_name` and `config`.
    metadata : mapping
        Of a `.keras`, what `metadata.json` has.
    arrays_of : callable
        See `ArraysOf`.
    """

    def __init__(self, path: str, config: Any, metadata: Mapping[str, Any], file: Any, *, numbered: bool) -> None:
        self.path, self.metadata = path, metadata
        if not isinstance(config, dict) or not isinstance(config.get("config"), dict):
            raise DataError(f"{path}: expected the configuration of a Sequential or Functional model, found another")
        self.config = config
        self._file = file
        self.arrays_of: ArraysOf = self._numbered if numbered else self._named
        self._counted = self._places() if numbered else {}

    def layer_configs(self) -> list[dict[str, Any]]:
        """The configurations of all layers, each with `class_name` and `config`, as the file has them."""
        layers = self.config["config"].get("layers")
        if not isinstance(layers, list) or not all(
            isinstance(each, dict) and isinstance(each.get("config"), dict) and isinstance(each.get("class_name"), str)
            for each in layers
        ):
            raise DataError(f"{self.path}: expected a list of layers in the configuration, found none")
        return layers

    def _places(self) -> dict[str, str]:
        """By the name of a layer, its place in `model.weights.h5`."""
        container = next((name for name in _CONTAINERS if name in self._file), None)
        if container is None:
            raise DataError(f"{self.path}: {WEIGHTS} has no layers")
        counts: Counter[str] = Counter()
        places = {}
        for layer in self.layer_configs():
            kind = snake_case(layer["class_name"])
            places[str(layer["config"].get("name"))] = f"{container}/{kind}" + (
                f"_{counts[kind]}" if counts[kind] else ""
            )
            counts[kind] += 1
        return places

    def _numbered(self, layer: str, names: Sequence[str]) -> dict[str, NDArray[Any]]:
        place = self._counted[layer]
        for group in (f"{place}/cell/vars", f"{place}/vars"):
            found = self._file.get(group)
            if found is not None and len(found):
                _check_name(found.attrs.get("name"), layer, f"{self.path}, {WEIGHTS}, {group}")
                if len(found) != len(names):
                    raise DataError(f"{self.path}, {layer}: expected {len(names)} arrays, found {len(found)}")
                return {name: self._array(f"{group}/{number}", layer) for number, name in enumerate(names)}
        raise DataError(
            f"{self.path}, {layer}: expected the arrays {', '.join(names)} at {place} in {WEIGHTS}, found none"
        )

    def _named(self, layer: str, names: Sequence[str]) -> dict[str, NDArray[Any]]:
        root = "model_weights"
        listed = _texts(self._file[f"{root}/{layer}"].attrs, "weight_names") if f"{root}/{layer}" in self._file else []
        # the last part of `lstm/lstm_cell/kernel:0`
        paths = {path.rpartition("/")[2].partition(":")[0]: path for path in listed}
        if set(paths) != set(names) or len(paths) < len(listed):
            raise DataError(
                f"{self.path}, {layer}: expected the arrays {', '.join(names)}, found {', '.join(listed) or 'none'}"
            )
        return {name: self._array(f"{root}/{layer}/{paths[name]}", layer) for name in names}

    def _array(self, place: str, layer: str) -> NDArray[Any]:
        h5py = extras.h5py()
        parts = place.split("/")
        # h5py before 3.12 would follow a link to another file
        links = (self._file.get("/".join(parts[:n]), getlink=True) for n in range(1, len(parts) + 1))
        found = self._file.get(place) if all(isinstance(link, h5py.HardLink) for link in links) else None
        if not isinstance(found, h5py.Dataset):
            raise DataError(f"{self.path}, {layer}: expected an array at {place}, found none")
        if found.is_virtual or found.external:
            raise DataError(f"{self.path}, {layer}: the array at {place} is in another file; that is not followed")
        if found.dtype.kind not in "f":
            raise DataError(f"{self.path}, {layer}: expected an array of real numbers at {place}, found {found.dtype}")
        if found.nbytes > _DENSEST * max(1, found.id.get_storage_size()):
            raise DataError(f"{self.path}, {layer}: the array at {place} of the shape {found.shape} was never written")
        return np.asarray(found[()])


def snake_case(name: str) -> str:
    """Keras' own: `SimpleRNN` is `simple_rnn`."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _check_name(found: Any, layer: str, place: str) -> None:
    name = found.decode() if isinstance(found, bytes) else found
    if name is not None and name != layer and not str(name).endswith("_cell"):
        raise DataError(f"{place}: expected the arrays of {layer}, found those of {name}")


def _texts(attributes: Any, name: str) -> list[str]:
    """A list of names, which Keras divides where it is long."""
    parts = [attributes[name]] if name in attributes else []
    while (more := f"{name}{len(parts)}") in attributes:
        parts.append(attributes[more])
    return [
        text.decode() if isinstance(text, bytes) else str(text) for part in parts for text in np.asarray(part).ravel()
    ]


@contextmanager
def open_keras(path: str | os.PathLike[str]) -> Iterator[KerasFile]:
    """Open a `.keras` or `.h5`; closed when the block ends.

    Raises
    ------
    DataError
        For a file that is damaged, or has no configuration; here and whatever reading in the block finds.
    MissingExtraError
        If h5py is not installed.
    OSError
        If the file cannot be opened.
    """
    name, suffix = os.fspath(path), Path(path).suffix.lower()
    if Path(path).is_dir():
        raise DataError(f"{name}: a folder of TensorFlow (SavedModel) is not read; save the model as a .keras file")
    if suffix not in (".keras", ".h5", ".hdf5"):
        raise DataError(f"{name}: expected a name that ends in .keras or .h5")
    h5py = extras.h5py()
    content = Path(path).read_bytes()
    try:
        if suffix == ".keras":
            config, metadata, weights = _members(name, content)
            check_heaps(f"{WEIGHTS} of {name}", weights)
            with h5py.File(io.BytesIO(weights), "r") as file:
                yield KerasFile(name, config, metadata, file, numbered=True)
            return
        check_heaps(name, content)
        with h5py.File(io.BytesIO(content), "r") as file:
            if "model_config" not in file.attrs or "model_weights" not in file:
                raise DataError(
                    f"{name}: the file has weights and no configuration; save the whole model, model.save('net.keras')"
                )
            text = file.attrs["model_config"]
            yield KerasFile(name, json.loads(text), {}, file, numbered=False)
    except (TMVAError, MemoryError):
        raise
    except Exception as error:  # of HDF5, zip, zlib, JSON, and of names and types that are others than Keras'
        raise DataError(f"{name}: it is no file of Keras, or damaged: {first_line(error)}") from error


def _members(name: str, content: bytes) -> tuple[Any, Mapping[str, Any], bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        found = {info.filename: info for info in archive.infolist()}
        if missing := [each for each in (CONFIG, WEIGHTS) if each not in found]:
            raise DataError(
                f"{name}: expected {missing[0]} in a .keras file, found {', '.join(list(found)[:6]) or 'none'}"
            )
        for each in found.values():
            if each.file_size > _DENSEST * max(1, each.compress_size):
                raise DataError(f"{name}: {each.filename} is compressed more than weights can be")
        metadata = json.loads(archive.read(METADATA_FILE)) if METADATA_FILE in found else {}
        return json.loads(archive.read(CONFIG)), metadata if isinstance(metadata, dict) else {}, archive.read(WEIGHTS)
