from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytmva_rnn.description import (
    ACTIVATIONS,
    ANALYSES,
    GRU,
    LSTM,
    OUTPUT_FUNCTIONS,
    RNN,
    Analysis,
    BatchNorm,
    Dense,
    Layer,
    Normalize,
    Option,
    Reshape,
    TransformInput,
    Variable,
)
from pytmva_rnn.errors import WeightFileError
from pytmva_rnn.model import Model, read_weights
from pytmva_rnn.weightfile import write_weights
from pytmva_rnn.weightfile.validation import validate

REFERENCE = Path(__file__).parent / "data" / "reference"
CASES = sorted(folder.name for folder in REFERENCE.iterdir() if folder.is_dir())


def tiny(**changes: Any) -> Model:
    """A model of one dense layer and two variables."""
    weights = {"W": np.array([[1.5, -2.0]]), "b": np.array([[0.25]])}
    model = Model(
        layers=(Dense(width=1, input_size=2, activation="LINEAR", weights=weights),),
        variables=(Variable("x", "x", "x", internal="x"), Variable("y", "y", "y", internal="y")),
        input_layout=(1, 1, 2),
        batch_layout=(1, 30, 2),
    )
    return dataclasses.replace(model, **changes)


def with_weights(**weights: Any) -> Model:
    layer = tiny().layers[0]
    return tiny(layers=(dataclasses.replace(layer, weights={**layer.weights, **weights}),))


def assert_same(a: Any, b: Any) -> None:
    """Equality of everything in two models, arrays included."""
    if dataclasses.is_dataclass(a) and not isinstance(a, type):
        assert type(a) is type(b)
        for field in dataclasses.fields(a):
            assert_same(getattr(a, field.name), getattr(b, field.name))
    elif isinstance(a, Mapping):
        assert set(a) == set(b)
        for name in a:
            assert_same(a[name], b[name])
    elif isinstance(a, tuple):
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            assert_same(one, other)
    elif isinstance(a, np.ndarray):
        np.testing.assert_array_equal(a, b, strict=True)
    else:
        assert a == b


# --- files of C++ TMVA


@pytest.mark.parametrize("case", CASES)
def test_a_file_of_tmva_is_reproduced_byte_for_byte(case: str, tmp_path: Path) -> None:
    source = REFERENCE / case / "weights.xml"
    write_weights(read_weights(source), tmp_path / "again.xml")
    assert (tmp_path / "again.xml").read_bytes() == source.read_bytes()


@pytest.mark.parametrize("case", CASES)
def test_nine_digits_are_read_in_full_and_written_with_seven(case: str, tmp_path: Path) -> None:
    source, again = REFERENCE / case / "initial.xml", tmp_path / "again.xml"
    model = read_weights(source)
    write_weights(model, again)
    before, after = source.read_text().splitlines(), again.read_text().splitlines()
    assert len(before) == len(after)
    matrices = [values for layer in model.layers for values in layer.weights.values()]
    numbers = 0
    for old, new in zip(before, after, strict=True):
        if old.lstrip().startswith("<"):
            assert new == old
        else:
            assert new.split() == [f"{float(token):.6e}" for token in old.split()]
            numbers += len(old.split())
    assert numbers == sum(values.size for values in matrices)
    every = {float(token) for line in before if "<" not in line for token in line.split()}
    assert {float(value) for values in matrices for value in values.ravel()} == every
    assert all(values.dtype == np.float64 for values in matrices)


# --- random models

plain = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")
names = st.text(plain | st.sampled_from("<>&\"' "), max_size=8)
float32 = st.floats(width=32, allow_nan=False, allow_infinity=False) | st.sampled_from(
    [float(np.finfo(np.float32).max), float(np.finfo(np.float32).tiny), 1.401298464324817e-45, -0.0]
)
sizes = st.integers(1, 4)


def digits(value: float, count: int) -> float:
    """`value` as a file with `count` digits after the point keeps it."""
    return float(f"{value:.{count}e}")


@st.composite
def variables(draw: st.DrawFn) -> Variable:
    texts = [draw(names) for _ in range(6)]
    return Variable(*texts, min=digits(draw(float32), 8), max=digits(draw(float32), 8))


@st.composite
def filled(draw: st.DrawFn, layer: Layer) -> Layer:
    weights = {}
    for name, shape in (layer.weight_shapes() | layer.statistic_shapes()).items():
        count = shape[0] * shape[1]
        values = draw(st.lists(float32, min_size=count, max_size=count))
        weights[name] = np.array([digits(v, 6) for v in values]).reshape(shape)
    return dataclasses.replace(layer, weights=weights)


@st.composite
def layers(draw: st.DrawFn, shape: tuple[int, int, int]) -> Layer:
    depth, height, width = shape
    total = depth * height * width
    kinds = ["reshape", "flat"]
    if depth * height == 1:
        kinds += ["dense", "norm"]
    if 1 in (depth, height):
        kinds += ["rnn", "lstm", "gru"]
    kind = draw(st.sampled_from(kinds))
    recurrent = (draw(sizes), width, depth * height, draw(st.booleans()), draw(st.booleans()))
    made: dict[str, Layer] = {
        "dense": Dense(draw(sizes), total, draw(st.sampled_from(ACTIVATIONS))),
        "norm": BatchNorm(total, draw(float32), draw(float32)),
        "reshape": Reshape(*draw(st.sampled_from([(total, 1, 1), (1, total, 1), (1, 1, total), shape]))),
        "flat": Reshape(1, 1, total, flat=True),
        "rnn": RNN(*recurrent),
        "lstm": LSTM(*recurrent),
        "gru": GRU(*recurrent, reset_gate_after=draw(st.booleans())),
    }
    return draw(filled(made[kind]))


@st.composite
def models(draw: st.DrawFn) -> Model:
    shape = draw(st.tuples(sizes, st.just(1), sizes) | st.tuples(st.just(1), st.just(1), sizes))
    count = shape[0] * shape[2]
    analysis: Analysis = draw(st.sampled_from(ANALYSES))
    chain: list[Layer] = []
    current = shape
    for _ in range(draw(st.integers(0, 3))):
        chain.append(draw(layers(current)))
        current = chain[-1].output_shape(current)
    if current[0] * current[1] > 1:
        chain.append(Reshape(1, 1, current[0] * current[1] * current[2], flat=True))
    outputs = 1 if analysis == "Classification" else draw(sizes)
    chain.append(draw(filled(Dense(outputs, current[0] * current[1] * current[2], "LINEAR"))))
    inputs = tuple(draw(variables()) for _ in range(count))
    targets = tuple(draw(variables()) for _ in range(outputs)) if analysis == "Regression" else ()
    classes = tuple(draw(names) for _ in range(outputs if analysis == "Multiclass" else 2))
    chosen = [TransformInput("Variable", v.label, v.expression) for v in inputs]
    chosen += [TransformInput("Target", v.label, v.expression) for v in targets]
    numbers = st.floats(allow_nan=False, allow_infinity=False)
    count = (len(classes) + 1) * len(chosen) * 2
    ranges = np.array(draw(st.lists(numbers, min_size=count, max_size=count)))
    ranges = ranges.reshape(len(classes) + 1, len(chosen), 2)
    normalize = Normalize(tuple(chosen), tuple(chosen), ranges)
    info = draw(st.lists(st.tuples(names, names), max_size=3))
    info.insert(draw(st.integers(0, len(info))), ("AnalysisType", analysis))
    options = st.builds(Option, names, names.map(lambda text: text.strip(" ")), st.booleans())
    return Model(
        layers=tuple(chain),
        variables=inputs,
        input_layout=shape,
        batch_layout=draw(st.tuples(sizes, sizes, sizes)),
        title=draw(names),
        analysis=analysis,
        spectators=tuple(draw(st.lists(variables(), max_size=2))),
        targets=targets,
        classes=classes,
        transformations=draw(st.sampled_from([(), (normalize,), (normalize, normalize)])),
        options=tuple(draw(st.lists(options, max_size=4))),
        info=tuple(info),
        loss=draw(st.sampled_from("CRS")),
        initialization=draw(st.sampled_from("GUIZXF")),
        regularization=draw(st.sampled_from("012")),
        output_function=OUTPUT_FUNCTIONS[analysis],
        weight_decay=draw(float32),
    )


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(models())
def test_any_model_survives_writing_and_reading(model: Model) -> None:
    with TemporaryDirectory() as folder:
        first, second = Path(folder, "first.xml"), Path(folder, "second.xml")
        write_weights(model, first)
        again = read_weights(first)
        assert_same(again, model)
        write_weights(again, second)
        assert first.read_bytes() == second.read_bytes()


# --- the form


def test_special_characters_are_written_as_tmva_writes_them(tmp_path: Path) -> None:
    variable = Variable("a<b && c>\"d'", "tab\tline\nend", "µ", internal="x")
    model = tiny(variables=(variable, tiny().variables[1]), options=(Option("Odd", "a<b&c>\"'"),))
    write_weights(model, tmp_path / "w.xml")
    text = (tmp_path / "w.xml").read_text(encoding="utf-8")
    assert 'Expression="a&lt;b &amp;&amp; c&gt;&quot;d\'" Label="tab line end" Title="µ"' in text
    assert '<Option name="Odd" modified="No">a&lt;b&amp;c&gt;"\'</Option>' in text
    assert read_weights(tmp_path / "w.xml").variables[0].expression == "a<b && c>\"d'"


def test_an_option_without_a_value_is_an_empty_element(tmp_path: Path) -> None:
    write_weights(tiny(options=(Option("Empty", "", True),)), tmp_path / "w.xml")
    assert '\n    <Option name="Empty" modified="Yes"/>\n' in (tmp_path / "w.xml").read_text()
    assert read_weights(tmp_path / "w.xml").options == (Option("Empty", "", True),)


def test_the_normalize_transformation_as_tmva_writes_it(tmp_path: Path) -> None:
    inputs = (TransformInput("Variable", "x", "x"), TransformInput("Variable", "y", "y"))
    ranges = np.array([[[-1, 1], [0, 2]], [[-3, 3], [0.1, 4]], [[-3, 3], [0, 4]]])
    write_weights(tiny(transformations=(Normalize(inputs, inputs, ranges),)), tmp_path / "w.xml")
    lines = (tmp_path / "w.xml").read_text().splitlines()
    start, end = lines.index('  <Transformations NTransformations="1">'), lines.index("  </Transformations>")
    assert lines[start + 1 : start + 18] == [
        '    <Transform Name="Normalize">',
        "      <Selection>",
        '        <Input NInputs="2">',
        '          <Input Type="Variable" Label="x" Expression="x"/>',
        '          <Input Type="Variable" Label="y" Expression="y"/>',
        "        </Input>",
        '        <Output NOutputs="2">',
        '          <Output Type="Variable" Label="x" Expression="x"/>',
        '          <Output Type="Variable" Label="y" Expression="y"/>',
        "        </Output>",
        "      </Selection>",
        '      <Class ClassIndex="0">',
        "        <Ranges>",
        '          <Range Index="0" Min="-1.0000000000000000e+00" Max="1.0000000000000000e+00"/>',
        '          <Range Index="1" Min="0.0000000000000000e+00" Max="2.0000000000000000e+00"/>',
        "        </Ranges>",
        "      </Class>",
    ]
    assert end - start == 31
    assert_same(read_weights(tmp_path / "w.xml").transformations[0].ranges, ranges)


def test_the_analysis_of_the_model_decides_over_its_provenance(tmp_path: Path) -> None:
    info = (("Creator", "me"), ("AnalysisType", "Regression"), ("Host", "here"))
    write_weights(tiny(info=info), tmp_path / "w.xml")
    again = read_weights(tmp_path / "w.xml")
    assert again.analysis == "Classification"
    assert again.info == (("Creator", "me"), ("AnalysisType", "Classification"), ("Host", "here"))


def test_a_model_without_provenance_still_says_its_analysis(tmp_path: Path) -> None:
    write_weights(tiny(), tmp_path / "w.xml")
    assert read_weights(tmp_path / "w.xml").info == (("AnalysisType", "Classification"),)


def test_a_flat_reshape_of_a_layout_is_written_with_its_sizes(tmp_path: Path) -> None:
    dense = tiny().layers[0]
    write_weights(tiny(layers=(Reshape(0, 0, 0, flat=True), dense)), tmp_path / "w.xml")
    assert '<ReshapeLayer Depth="1" Height="1" Width="2" Flattening="1"/>' in (tmp_path / "w.xml").read_text()


# --- what cannot be written

X = (TransformInput("Variable", "x", "x"),)
BAD_RANGES = Normalize(X, X, np.zeros((3, 2, 2)))
NAN_RANGES = Normalize(X, X, np.full((3, 1, 2), np.nan))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            tiny(layers=(Dense(1, 2),)),
            r"layer 0 \(DENSE\): expected the weights W, b, found none; train the model first",
        ),
        (with_weights(W=np.array([[1, np.nan]])), r"layer 0 \(DENSE\): W: .*finite.* found nan in row 0, column 1"),
        (with_weights(b=np.array([[np.inf]])), r"layer 0 \(DENSE\): b: .*found inf in row 0, column 0"),
        (with_weights(b=np.array([[1e39]])), r"found 1e\+39 in row 0"),
        (with_weights(W=np.zeros((2, 1))), r"layer 0 \(DENSE\): W: expected the shape \(1, 2\), found \(2, 1\)"),
        (tiny(title="a\x01b"), r"<MethodSetup> Method: the character '\\x01' cannot stand in XML"),
        (tiny(options=(Option("a", "\ud800"),)), r"<Option> text: the character '\\ud800' cannot stand"),
        (tiny(transformations=(BAD_RANGES,)), r"Normalize: .*\(classes \+ 1, 1, 2\), found the shape \(3, 2, 2\)$"),
        (tiny(transformations=(NAN_RANGES,)), r"Normalize: expected finite ranges .* with NaN or infinite values"),
    ],
)
def test_what_cannot_be_written_leaves_the_old_file_untouched(model: Model, message: str, tmp_path: Path) -> None:
    path = tmp_path / "w.xml"
    path.write_text("old")
    with pytest.raises(WeightFileError, match=message) as caught:
        write_weights(model, path)
    assert str(caught.value).startswith(f"{path} cannot be written: ")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["w.xml"]


def test_the_name_of_a_file_ends_in_xml(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = read_weights(REFERENCE / "rnn_last" / "weights.xml")
    with pytest.raises(WeightFileError, match=r"net.weights cannot be written: the name of a weight file ends in .xml"):
        write_weights(model, tmp_path / "net.weights")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "net.weights").write_bytes((REFERENCE / "rnn_last" / "weights.xml").read_bytes())
    caplog.clear()
    read_weights(tmp_path / "net.weights")
    assert [message.partition(": ")[2] for message in caplog.messages] == [
        "the name does not end in .xml, without which C++ TMVA's Reader never returns"
    ]


def test_a_batch_size_that_ends_the_process_of_tmva_is_told_and_mended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    original = (REFERENCE / "rnn_last" / "weights.xml").read_text(encoding="utf-8")
    (tmp_path / "w.xml").write_text(original.replace('BatchSize="1"', 'BatchSize="30"'), encoding="utf-8", newline="\n")
    model = read_weights(tmp_path / "w.xml")
    assert "BatchSize: expected 1, found 30; C++ TMVA ends its process on such a file" in caplog.text
    assert ["BatchSize: expected 1, found 30" in str(finding) for finding in validate(tmp_path / "w.xml")] == [True]
    write_weights(model, tmp_path / "again.xml")
    assert (tmp_path / "again.xml").read_text(encoding="utf-8") == original
