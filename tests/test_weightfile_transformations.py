# ruff: noqa: E501  (tables with one case per line)
"""Transformations in weight files, written by hand as C++ TMVA writes them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytmva_rnn import Model, read_weights, write_weights
from pytmva_rnn.description import (
    OUTPUT_FUNCTIONS,
    PCA,
    CumulativeDistribution,
    Decorrelation,
    Dense,
    Gauss,
    Normalize,
    Variable,
)
from pytmva_rnn.errors import WeightFileError
from pytmva_rnn.transformations import apply_transformations


def selection(*inputs: tuple[str, str]) -> str:
    def items(tag: str) -> str:
        return "".join(f'          <{tag} Type="{kind}" Label="{x}" Expression="{x}"/>\n' for kind, x in inputs)

    return (
        f'      <Selection>\n        <Input NInputs="{len(inputs)}">\n{items("Input")}        </Input>\n'
        f'        <Output NOutputs="{len(inputs)}">\n{items("Output")}        </Output>\n      </Selection>\n'
    )


XY = selection(("Variable", "x"), ("Variable", "y"))
DECORRELATION = (
    '    <Transform Name="Decorrelation">\n'
    + XY
    + """      <Matrix Rows="2" Columns="2">
        1.000000000000000e+00 2.500000000000000e-01 2.500000000000000e-01 2.000000000000000e+00\x20
      </Matrix>
      <Matrix Rows="2" Columns="2">
        1.500000000000000e+00 0.000000000000000e+00 0.000000000000000e+00 5.000000000000000e-01\x20
      </Matrix>
      <Matrix Rows="2" Columns="2">
        1.250000000000000e+00 -1.234567890123456e-01 -1.234567890123456e-01 3.000000000000000e+00\x20
      </Matrix>
    </Transform>
"""
)
PRINCIPAL = (
    '    <Transform Name="PCA">\n'
    + XY
    + """      <Statistics Class="Signal" ClassIndex="0" NRows="2">
        1.00000000e+00 2.00000000e+00\x20
      </Statistics>
      <Statistics Class="Background" ClassIndex="1" NRows="2">
        -1.00000000e+00 3.00000000e+00\x20
      </Statistics>
      <Statistics Class="Combined" ClassIndex="2" NRows="2">
        5.00000000e-01 2.50000000e+00\x20
      </Statistics>
      <Eigenvectors Class="Signal" ClassIndex="0" NRows="2" NCols="2">
        1.00000000e+00 0.00000000e+00 0.00000000e+00 1.00000000e+00\x20
      </Eigenvectors>
      <Eigenvectors Class="Background" ClassIndex="1" NRows="2" NCols="2">
        0.00000000e+00 1.00000000e+00 1.00000000e+00 0.00000000e+00\x20
      </Eigenvectors>
      <Eigenvectors Class="Combined" ClassIndex="2" NRows="2" NCols="2">
        8.00000000e-01 -6.00000000e-01 6.00000000e-01 8.00000000e-01\x20
      </Eigenvectors>
    </Transform>
"""
)


def pdf(variable: int, entry: int) -> str:
    low = float(np.float32(-1.1 - entry))
    return f"""        <CumulativePDF_cls{entry}>
          <PDF Name="GaussTransform var{variable} cls{entry}" MinNSmooth="0" MaxNSmooth="0" InterpolMethod="1" KDE_type="0" KDE_iter="1" KDE_border="1" KDE_finefactor="0.0000000000000000e+00">
            <Histogram Name="Cumulative_Var{variable}_cls{entry}_original" NBins="3" XMin="{low:.16e}" XMax="8.0000000000000000e+00" HasEquidistantBins="0">
              2.00000003e-01 6.00000024e-01 1.00000000e+00\x20
            </Histogram>
            <HistogramBinning NBins="3">
              {low:.8e} 0.00000000e+00 2.00000000e+00 8.00000000e+00\x20
            </HistogramBinning>
          </PDF>
        </CumulativePDF_cls{entry}>
"""


def gauss(kind: str) -> str:
    variables = "".join(
        f'      <Variable VarIndex="{n}">\n{"".join(pdf(n, k) for k in range(3))}      </Variable>\n' for n in range(2)
    )
    return f'    <Transform Name="Gauss" FlatOrGauss="{kind}">\n{XY}{variables}    </Transform>\n'


def model(**changes: Any) -> Model:
    weights = {"W": np.array([[1.0, -2.0]]), "b": np.array([[0.25]])}
    fields: dict[str, Any] = {
        "layers": (Dense(1, 2, "LINEAR", weights=weights),),
        "variables": (Variable("x", "x", "x", internal="x"), Variable("y", "y", "y", internal="y")),
        "input_layout": (1, 1, 2),
        "batch_layout": (1, 30, 2),
        "output_function": OUTPUT_FUNCTIONS[changes.get("analysis", "Classification")],
        **changes,
    }
    return Model(**fields)


def written(tmp_path: Path, *transformations: str, chain: str = "None", **changes: Any) -> Path:
    """A file with the given nodes."""
    path = tmp_path / "w.xml"
    write_weights(model(**changes), path)
    nodes = "".join(transformations)
    options = f'<Options>\n    <Option name="VarTransform" modified="Yes">{chain}</Option>\n  </Options>'
    text = path.read_text().replace("<Options/>", options)
    new = f'<Transformations NTransformations="{len(transformations)}">\n{nodes}  </Transformations>'
    assert '<Transformations NTransformations="0"/>' in text
    path.write_text(text.replace('<Transformations NTransformations="0"/>', new))
    return path


def transformation(tmp_path: Path, node: str, **changes: Any) -> Any:
    (found,) = read_weights(written(tmp_path, node, **changes)).transformations
    return found


@pytest.mark.parametrize("node", [DECORRELATION, PRINCIPAL, gauss("Gauss"), gauss("Flat")])
def test_what_tmva_writes_is_written_again_byte_for_byte(node: str, tmp_path: Path) -> None:
    source = written(tmp_path, node, node)
    write_weights(read_weights(source), tmp_path / "again.xml")
    assert (tmp_path / "again.xml").read_text() == source.read_text()


def test_decorrelation_is_read(tmp_path: Path) -> None:
    found = transformation(tmp_path, DECORRELATION)
    assert type(found) is Decorrelation
    assert found.matrices.shape == (3, 2, 2)
    known = model().variables
    # the last matrix, of all classes together, is used
    expected = [1.25 * 4 - 0.1234567890123456 * 2, -0.1234567890123456 * 4 + 3 * 2]
    np.testing.assert_allclose(apply_transformations([found], np.array([[4.0, 2.0]]), known), [expected], rtol=1e-14)


def test_principal_components_are_read(tmp_path: Path) -> None:
    found = transformation(tmp_path, PRINCIPAL)
    assert type(found) is PCA
    expected = [[0.8 * 1.5 + 0.6 * 2, -0.6 * 1.5 + 0.8 * 2]]
    result = apply_transformations([found], np.array([[2.0, 4.5]]), model().variables)
    np.testing.assert_allclose(result, expected, rtol=1e-14)


@pytest.mark.parametrize("name", ["Gauss", "Uniform"])
def test_gauss_and_uniform_are_read(name: str, tmp_path: Path) -> None:
    for kind in ("Gauss", "Flat"):
        found = transformation(tmp_path, gauss(kind).replace('Name="Gauss"', f'Name="{name}"'))
        assert type(found) is Gauss
        assert found.flat == (kind == "Flat")
        assert [len(each) for each in found.distributions] == [3, 3]
        np.testing.assert_array_equal(found.distributions[1][1].edges, [-2.0999999, 0, 2, 8])
        np.testing.assert_array_equal(found.distributions[1][2].contents, [0.200000003, 0.600000024, 1])
        # the middle of the second bin, and half way to that of the third
        result = apply_transformations([found], np.array([[1.0, 3.0]]), model().variables)
        expected = [[0.6, 0.8]] if kind == "Flat" else [[0.2533471, 0.8416212]]
        np.testing.assert_allclose(result, expected, atol=1e-4)


def test_equidistant_bins_have_no_edges_of_their_own(tmp_path: Path) -> None:
    node = gauss("Flat").replace('HasEquidistantBins="0"', 'HasEquidistantBins="1"')
    node = re.sub(r" *<HistogramBinning(.|\n)*?</HistogramBinning>\n", "", node)
    found = transformation(tmp_path, re.sub('XMin="[^"]*"', 'XMin="-1.0"', node))
    np.testing.assert_allclose(found.distributions[0][0].edges, [-1, 2, 5, 8])


def test_a_class_named_in_the_option_is_forgotten_as_by_tmva(tmp_path: Path) -> None:
    found = read_weights(written(tmp_path, DECORRELATION, PRINCIPAL, chain="D_Signal,P"))
    assert [each.reference for each in found.transformations] == [None, None]
    of_all = apply_transformations(found.transformations[:1], np.array([[4.0, 2.0]]), found.variables)
    of_signal = [replace(found.transformations[0], reference=0)]
    assert not np.allclose(of_all, apply_transformations(of_signal, np.array([[4.0, 2.0]]), found.variables))


@pytest.mark.parametrize("chain", ["D_Signal,P", "D_Nobody", "D(", "I,D,P", "I,I"])
def test_an_option_that_does_not_describe_the_file_is_not_followed(chain: str, tmp_path: Path) -> None:
    assert transformation(tmp_path, DECORRELATION, chain=chain).reference is None


def test_a_single_class_has_one_entry(tmp_path: Path) -> None:
    target = (Variable("t", "t", "t", internal="t"),)
    node = (
        '    <Transform Name="Normalize">\n'
        + selection(("Variable", "x"), ("Variable", "y"), ("Target", "t"))
        + """      <Class ClassIndex="0">
        <Ranges>
          <Range Index="0" Min="0.0000000000000000e+00" Max="2.0000000000000000e+00"/>
          <Range Index="1" Min="0.0000000000000000e+00" Max="4.0000000000000000e+00"/>
          <Range Index="2" Min="1.0000000000000000e+02" Max="3.0000000000000000e+02"/>
        </Ranges>
      </Class>
    </Transform>
"""
    )
    source = written(tmp_path, node, analysis="Regression", classes=("Regression",), targets=target)
    found = read_weights(source)
    assert type(found.transformations[0]) is Normalize
    # the net gives 1.0 - 2 * 0.5 + 0.25 for (1, 0.5) of (2, 3)
    np.testing.assert_allclose(found.predict([[2.0, 3.0]], backend="reference"), [100 + 200 * 1.25 / 2])
    write_weights(found, tmp_path / "again.xml")
    assert (tmp_path / "again.xml").read_text() == source.read_text()


@pytest.mark.parametrize(
    ("node", "old", "new", "problem"),
    [
        (DECORRELATION, 'Rows="2"', 'Rows="3"', "<Matrix> Rows: expected the number of inputs, 2; found 3"),
        (DECORRELATION, "3.000000000000000e+00 \n", "\n", "<Matrix> expected 4 numbers, found 3"),
        (DECORRELATION, "3.000000000000000e+00", "nan", "<Matrix> expected finite numbers, found nan as number 3"),
        (DECORRELATION, "3.000000000000000e+00", "3,0", "<Matrix> expected numbers, found: value 3: '3,0' is not a number"),
        (DECORRELATION, "Matrix", "Matrices", "expected 3 <Matrix> nodes for 2 classes, found 0"),
        (DECORRELATION, '<Output Type="Variable" Label="x" Expression="x"/>', '<Output Type="Variable" Label="y" Expression="y"/>', "found Label 'y', Expression 'y' once more"),
        (PRINCIPAL, 'NCols="2"', 'NCols="1"', "<Eigenvectors> NCols: expected the number of inputs, 2; found 1"),
        (PRINCIPAL, "Statistics", "Means", "expected 3 <Statistics> nodes for 2 classes, found 0"),
        (PRINCIPAL, "Eigenvectors", "Vectors", "expected as many <Eigenvectors> as <Statistics>, 3; found 0"),
        (gauss("Flat"), 'FlatOrGauss="Flat"', 'FlatOrGauss="Round"', "FlatOrGauss: expected one of Gauss, Flat; found 'Round'"),
        (gauss("Flat"), 'VarIndex="1"', 'VarIndex="0"', "VarIndex: expected each of 0 to 1 once, found 0"),
        (gauss("Flat"), 'InterpolMethod="1"', 'InterpolMethod="2"', "InterpolMethod: expected 1, as TMVA writes it; found 2"),
        (gauss("Flat"), '<HistogramBinning NBins="3">', '<HistogramBinning NBins="4">', "NBins: expected the 3 of <Histogram>, found 4"),
        (gauss("Flat"), "2.00000000e+00 8.0", "9.00000000e+00 8.0", "<HistogramBinning> expected edges of bins in ascending order"),
        (gauss("Flat"), "CumulativePDF_cls2", "CumulativePDF_cls3", "expected a node <CumulativePDF_cls2> in it"),
    ],
)  # fmt: skip
def test_what_does_not_fit(node: str, old: str, new: str, problem: str, tmp_path: Path) -> None:
    assert old in node
    with pytest.raises(WeightFileError) as caught:
        read_weights(written(tmp_path, node.replace(old, new)))
    assert problem in str(caught.value)
    assert re.match(r".*w\.xml:\d+: <", str(caught.value))


def test_variables_and_targets_in_one_matrix(tmp_path: Path) -> None:
    node = DECORRELATION.replace('Type="Variable" Label="y" Expression="y"', 'Type="Target" Label="t" Expression="t"')
    target = (Variable("t", "t", "t", internal="t"),)
    with pytest.raises(WeightFileError, match="expected inputs of one type for Decorrelation"):
        read_weights(written(tmp_path, node, targets=target))


def test_inputs_and_outputs_of_different_types(tmp_path: Path) -> None:
    node = DECORRELATION.replace('Output Type="Variable" Label="y"', 'Output Type="Target" Label="t"')
    target = (Variable("t", "t", "t", internal="t"),)
    with pytest.raises(WeightFileError, match="expected as many outputs as inputs, of the same types"):
        read_weights(written(tmp_path, node, targets=target))


GOOD = CumulativeDistribution(np.array([0.0, 1, 2]), np.array([0.5, 1]))


@pytest.mark.parametrize(
    ("transformation", "problem"),
    [
        (
            Decorrelation((), (), np.zeros((3, 2, 2))),
            r"Decorrelation: expected finite matrices .*\(classes \+ 1, 0, 0\)",
        ),
        (PCA((), (), np.full((3, 0), 0.0), np.zeros((3, 1, 0))), r"PCA: expected finite eigenvectors"),
        (Gauss((), (), ((GOOD,),)), "Gauss: expected distributions of 0 inputs, found 1"),
    ],
)
def test_what_cannot_be_written(transformation: Any, problem: str, tmp_path: Path) -> None:
    with pytest.raises(WeightFileError, match=problem):
        write_weights(model(transformations=(transformation,)), tmp_path / "w.xml")
