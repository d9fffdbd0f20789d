from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from lxml import etree

import pytmva_rnn.weightfile.schema as module
from pytmva_rnn.weightfile.layer_nodes import FORMATS
from pytmva_rnn.weightfile.schema import schema_source

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "tests" / "data" / "reference").glob("*/*.xml"))
XS = "{http://www.w3.org/2001/XMLSchema}"


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring(schema_source()))


def text_of(case: str) -> str:
    return (ROOT / "tests" / "data" / "reference" / case / "weights.xml").read_text()


def replaced(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


def valid(schema: etree.XMLSchema, text: str) -> bool:
    return bool(schema.validate(etree.fromstring(text.encode())))


# --- where it is


def test_the_schema_is_shipped_in_the_package() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    shipped = pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert shipped["schemas"] == "pytmva_rnn/schemas"
    assert schema_source() == (ROOT / "schemas" / "tmva-methoddl.xsd").read_bytes()


def test_the_installed_schema_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "tmva-methoddl.xsd").write_bytes(b"installed")
    monkeypatch.setattr(module, "files", lambda package: tmp_path)
    assert schema_source() == b"installed"


def test_a_missing_schema_is_an_incomplete_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "files", lambda package: tmp_path)
    monkeypatch.setattr(module, "__file__", str(tmp_path / "a" / "b" / "c.py"))
    with pytest.raises(FileNotFoundError, match=r"tmva-methoddl\.xsd is missing; install it again"):
        schema_source()


# --- what it accepts


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_files_of_tmva_fit(path: Path, schema: etree.XMLSchema) -> None:
    schema.assertValid(etree.parse(path))


def test_old_layers_fit(schema: etree.XMLSchema) -> None:
    assert valid(schema, replaced(text_of("rnn_sequence"), ' ReturnSequence="1"', ""))
    assert valid(schema, replaced(text_of("gru_after_last"), ' ResetGateAfter="1"', ""))
    assert not valid(schema, replaced(text_of("lstm_last"), ' ReturnSequence="0"', ""))


def test_children_and_attributes_may_stand_in_any_order(schema: etree.XMLSchema) -> None:
    root = etree.fromstring(text_of("lstm_last").encode())
    for parent in [root, root.find("Weights/LSTMLayer"), root.find("Weights/DenseLayer")]:
        parent[:] = reversed(list(parent))
    for element in root.iter():
        attributes = list(element.items())
        element.attrib.clear()
        element.attrib.update(reversed(attributes))
    assert schema.validate(root)


@pytest.mark.parametrize(
    "number", ["1", "-0", "1e+00", "+.5E-3", "7.", "0x1.8P-2", "0XAp1", "1e39", "12345678901234567890"]
)
def test_finite_numbers_in_any_form(number: str, schema: etree.XMLSchema) -> None:
    text = re.sub(r'(<Biases Rows="8" Columns="1">\s+)\S+', rf"\g<1>{number}", text_of("rnn_last"), count=1)
    text = re.sub(r'WeightDecay="[^"]*"', f'WeightDecay=" {number} "', text)
    assert valid(schema, text)


@pytest.mark.parametrize("number", ["nan", "-inf", "Infinity", "NaN(0x1)", "1_000", "1,5", "e5", ".", "0x", "٣", "1f"])
def test_what_is_not_a_finite_number_is_no_weight(number: str, schema: etree.XMLSchema) -> None:
    text = text_of("rnn_last")
    assert not valid(schema, re.sub(r'(<Biases Rows="8" Columns="1">\s+)\S+', rf"\g<1>{number}", text, count=1))
    assert not valid(schema, re.sub(r'WeightDecay="[^"]*"', f'WeightDecay="{number}"', text))


@pytest.mark.parametrize(
    ("number", "fits"), [("inf", True), ("-INFINITY", True), ("nan", True), ("NaN(1)", True), ("in", False)]
)
def test_the_range_of_a_variable_may_be_any_number(number: str, fits: bool, schema: etree.XMLSchema) -> None:
    assert valid(schema, re.sub(r'Max="[^"]*"', f'Max="{number}"', text_of("rnn_last"), count=1)) == fits


SELECTION = """<Selection><Output NOutputs="1"><Output Type="Variable" Label="x" Expression="x"/></Output>
<Input NInputs="1"><Input Type="Variable" Label="x" Expression="x"/></Input></Selection>"""
PDF = """<PDF Name="p" MinNSmooth="0" MaxNSmooth="-1" InterpolMethod="1" KDE_type="0" KDE_iter="1" KDE_border="1"
KDE_finefactor="0.0000000000000000e+00"><Histogram Name="h" NBins="2" XMin="-1.5" XMax="2" HasEquidistantBins="0">
0.5 1.0 </Histogram><HistogramBinning NBins="2">-1.5 0 2</HistogramBinning></PDF>"""
CUMULATIVE = "".join(f"<CumulativePDF_cls{n}>{PDF}</CumulativePDF_cls{n}>" for n in (0, 1, 2))
TRANSFORMS = {
    "Normalize": '<Class ClassIndex="0"><Ranges><Range Index="0" Min="-1e3" Max="+4."/></Ranges></Class>',
    "Decorrelation": '<Matrix Rows="1" Columns="1">1.2e-1 </Matrix><Matrix Rows="1" Columns="1">1</Matrix>',
    "PCA": '<Statistics Class="Signal" ClassIndex="0" NRows="1">1 </Statistics>'
    '<Statistics Class="Combined" ClassIndex="1" NRows="1">1 </Statistics>'
    '<Eigenvectors Class="Signal" ClassIndex="0" NRows="1" NCols="1">1</Eigenvectors>'
    '<Eigenvectors Class="Combined" ClassIndex="1" NRows="1" NCols="1">1</Eigenvectors>',
    "Gauss": f'<Variable VarIndex="0">{CUMULATIVE}</Variable>',
}


def with_transform(content: str, name: str, attributes: str = "") -> str:
    node = f'<Transform Name="{name}"{attributes}>{SELECTION}{content}</Transform>'
    return replaced(
        text_of("rnn_last"),
        '<Transformations NTransformations="0"/>',
        f'<Transformations NTransformations="1">{node}</Transformations>',
    )


@pytest.mark.parametrize("name", TRANSFORMS)
def test_all_transformations(name: str, schema: etree.XMLSchema) -> None:
    assert valid(schema, with_transform(TRANSFORMS[name], name))


@pytest.mark.parametrize("flat", ["Flat", "Gauss"])
def test_both_kinds_of_the_gauss_transformation(flat: str, schema: etree.XMLSchema) -> None:
    attributes = f' FlatOrGauss="{flat}"'
    assert valid(schema, with_transform(TRANSFORMS["Gauss"], "Gauss", attributes))
    equidistant = replaced(TRANSFORMS["Gauss"], '<HistogramBinning NBins="2">-1.5 0 2</HistogramBinning>', "")
    assert valid(schema, with_transform(equidistant, "Uniform", attributes))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("Normalize", "ClassIndex", "Index"),
        ("Normalize", 'Min="-1e3"', 'Min="-inf"'),
        ("Decorrelation", 'Columns="1"', 'Columns="0"'),
        ("Decorrelation", "1.2e-1", "nan"),
        ("PCA", 'NCols="1"', ""),
        ("PCA", 'Class="Combined"', 'Class="All"'),
        ("PCA", "<Statistics", "<Matrix Rows='1' Columns='1'>1</Matrix><Statistics"),
        ("Gauss", 'VarIndex="0"', ""),
        ("Gauss", 'KDE_iter="1"', ""),
        ("Gauss", 'XMax="2"', 'XMax="inf"'),
        ("Gauss", "0.5 1.0", "0.5 one"),
    ],
)
def test_damaged_transformations_do_not_fit(name: str, old: str, new: str, schema: etree.XMLSchema) -> None:
    assert not valid(schema, with_transform(replaced(TRANSFORMS[name], old, new), name))


def test_histograms_of_the_outputs(schema: etree.XMLSchema) -> None:
    assert valid(schema, replaced(text_of("rnn_last"), "<MVAPdfs/>", f"<MVAPdfs>{PDF}{PDF}</MVAPdfs>"))


# --- what it says


def test_the_layers_are_those_of_the_reader_and_misnamed_tags_are_documented() -> None:
    root = etree.fromstring(schema_source())
    layers = {tag.get("name"): tag for tag in root.iterfind(f"{XS}complexType[@name='Network']//{XS}element")}
    assert set(layers) == set(FORMATS)
    for entry in map(FORMATS.find, FORMATS):
        found = root.findall(f"{XS}complexType[@name='{layers[entry.tag].get('type')}']//{XS}element")
        assert [element.get("name") for element in found] == [tag for tag, _ in entry.matrices]
        if entry.tag not in ("LSTMLayer", "GRULayer"):
            continue
        for element, (tag, name) in zip(found, entry.matrices, strict=True):
            text = element.findtext(f"{XS}annotation/{XS}documentation")
            assert text is not None
            assert re.search(rf"\b{name}, H x [HD1]$", text)
            gate = {
                "Input": "i",
                "Forget": "f",
                "Candidate": "c",
                "Ouput": "o",
                "Output": "o",
                "Reset": "r",
                "Update": "z",
            }
            honest = "U" if "State" in tag else "b" if "Biases" in tag else "W"
            named = re.match("Input|Forget|Candidate|Ouput|Output|Reset|Update", tag)
            assert named
            assert ("Misnamed" in text) == (name != f"{honest}_{gate[named[0]]}")
