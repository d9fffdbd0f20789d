# ruff: noqa: E501  (tables with one case per line)
from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from pytmva_rnn.errors import WeightFileError
from pytmva_rnn.model import read_weights

REFERENCE = Path(__file__).parent / "data" / "reference"

NORMALIZE = """<Transformations NTransformations="1">
<Transform Name="Normalize">
<Selection>
<Input NInputs="1"><Input Type="Variable" Label="x_t0_d0" Expression="x_t0_d0"/></Input>
<Output NOutputs="1"><Output Type="Variable" Label="x_t0_d0" Expression="x_t0_d0"/></Output>
</Selection>
<Class ClassIndex="0"><Ranges><Range Index="0" Min="0" Max="1"/></Ranges></Class>
<Class ClassIndex="1"><Ranges><Range Index="0" Min="0" Max="1"/></Ranges></Class>
<Class ClassIndex="2"><Ranges><Range Index="0" Min="0" Max="2"/></Ranges></Class>
</Transform>
</Transformations>"""


def error_of(text: str | bytes, folder: Path) -> str:
    """The message about a file, without the path and the colon in front of it."""
    path = folder / "w.xml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(WeightFileError) as caught:
        read_weights(path)
    message = str(caught.value)
    assert message.startswith(f"{path}:")
    return message[len(f"{path}:") :]


def changed(case: str, pattern: str, new: str) -> tuple[str, int]:
    """A reference file with the first match of a pattern replaced, and the line of the match."""
    text = (REFERENCE / case / "weights.xml").read_text().replace('<Transformations NTransformations="0"/>', NORMALIZE)
    match = re.search(pattern, text)
    assert match, "the reference file has no such text"
    assert match[0] != new
    return text[: match.start()] + new + text[match.end() :], text.count("\n", 0, match.start()) + 1


@pytest.mark.parametrize(
    ("case", "pattern", "new", "node", "problem"),
    [
        # the root
        ("rnn_last", "MethodSetup Method=.*>", 'MethodSetup Method="BDT::BDT">', "MethodSetup", "Method: this is a BDT weight file; expected one of MethodDL"),
        ("rnn_last", ' Method=".*"', "", "MethodSetup", "expected an attribute Method, found none"),
        # general information and options
        ("rnn_last", 'value="Classification"', 'value="Clustering"', "Info", "value: expected one of Classification, Regression, Multiclass; found 'Clustering'"),
        ("rnn_last", 'modified="No"', 'modified="Maybe"', "Option", "modified: expected one of Yes, No; found 'Maybe'"),
        # variables, classes
        ("rnn_last", 'NVar="30"', 'NVar="31"', "Variables", "NVar: expected 31 <Variable> nodes, found 30"),
        ("rnn_last", 'NVar="30"', 'NVar="thirty"', "Variables", "NVar: expected a whole number, found: 'thirty' is not"),
        ("rnn_last", 'VarIndex="3"', 'VarIndex="2"', "Variable", "VarIndex: expected each of 0 to 29 once, found 2"),
        ("rnn_last", 'VarIndex="3"', 'VarIndex="30"', "Variable", "VarIndex: expected each of 0 to 29 once, found 30"),
        ("rnn_last", ' Label="x_t0_d0"', "", "Variable", "expected an attribute Label, found VarIndex, Expression, Title"),
        ("rnn_last", 'Min="[^"]*"', 'Min="low"', "Variable", "Min: expected a number, found: 'low' is not a number"),
        ("rnn_last", 'NSpec="0"', 'NSpec="1"', "Spectators", "NSpec: expected 1 <Spectator> nodes, found 0"),
        ("rnn_last", 'NClass="2"', 'NClass="3"', "Classes", "NClass: expected 3 <Class> nodes, found 2"),
        ("regression", 'NTrgt="2"', 'NTrgt="1"', "Targets", "NTrgt: expected 1 <Target> nodes, found 2"),
        # transformations
        ("rnn_last", 'NTransformations="1"', 'NTransformations="2"', "Transformations", "NTransformations: expected 2 <Transform> nodes, found 1"),
        ("rnn_last", 'Name="Normalize"', 'Name="Rotate"', "Transform", "Name: expected one of Normalize, Decorrelation, PCA, Gauss, Uniform; found the unsupported 'Rotate'"),
        ("rnn_last", 'NInputs="1"', 'NInputs="2"', "Input", "NInputs: expected 2 <Input> nodes, found 1"),
        ("rnn_last", 'Type="Variable"', 'Type="Class"', "Input", "Type: expected one of Variable, Target, Spectator; found 'Class'"),
        ("rnn_last", 'Label="x_t0_d0" Expression="x_t0_d0"/></Input>', 'Label="a" Expression="b"/></Input>', "Input", "expected the Label or Expression of a variable of this file, found Label 'a', Expression 'b'"),
        ("rnn_last", 'Index="0" Min="0"', 'Index="1" Min="0"', "Range", "Index: expected each of 0 to 0 once, found 1"),
        ("rnn_last", 'Min="0" Max="2"', 'Min="nan" Max="2"', "Range", "Min: expected a finite number, found nan"),
        ("rnn_last", '<Range Index="0" Min="0" Max="2"/>', "", "Ranges", "expected 1 <Range> nodes, one per input, found 0"),
        ("rnn_last", 'ClassIndex="2"', 'ClassIndex="1"', "Class", "ClassIndex: expected each of 0 to 2 once, found 1"),
        # the network
        ("rnn_last", 'NetDepth="4"', 'NetDepth="5"', "Weights", "NetDepth: expected 5 layers, found 4"),
        ("rnn_last", 'InputWidth="5"', 'InputWidth="4"', "Weights", "expected the number of variables, 30; found 6 x 1 x 4 = 24"),
        ("rnn_last", 'InputDepth="6"', 'InputDepth="0"', "Weights", "InputDepth: expected at least 1, found 0"),
        ("rnn_last", 'BatchSize="1"', 'BatchSize="1.5"', "Weights", "BatchSize: expected a whole number, found: '1.5' is not"),
        ("rnn_last", 'LossFunction="C"', 'LossFunction="X"', "Weights", "LossFunction: expected one of C, R, S; found 'X'"),
        ("rnn_last", 'LossFunction="C"', 'LossFunction="CR"', "Weights", "LossFunction: expected one of C, R, S; found 'CR'"),
        ("rnn_last", 'OutputFunction="S"', 'OutputFunction="Z"', "Weights", "OutputFunction: expected one of I, S, M; found 'Z'"),
        ("rnn_last", 'WeightDecay="[^"]*"', 'WeightDecay="nan"', "Weights", "WeightDecay: expected a finite number, found nan"),
        # layers
        ("rnn_last", '<ReshapeLayer', "<AttentionLayer", "AttentionLayer", "(layer 1): expected one of RNNLayer, LSTMLayer, GRULayer, DenseLayer, ReshapeLayer, BatchNormLayer; found an unknown layer"),
        ("rnn_last", '<ReshapeLayer', "<ConvLayer", "ConvLayer", "(layer 1) is not supported: pytmva_rnn covers the recurrent and dense parts of MethodDL, not its convolution layers; evaluate this file with ROOT's TMVA::Reader"),
        ("rnn_last", '<ReshapeLayer', "<MaxPoolLayer", "MaxPoolLayer", "(layer 1) is not supported: pytmva_rnn covers the recurrent and dense parts of MethodDL, not its pooling layers"),
        ("rnn_last", 'StateSize="8"', 'StateSize="eight"', "RNNLayer", "StateSize: expected a whole number, found: 'eight'"),
        ("rnn_last", 'StateSize="8" ', "", "RNNLayer", "expected an attribute StateSize, found InputSize, TimeSteps"),
        ("rnn_last", 'InputSize="5"', 'InputSize="4"', "RNNLayer", "expected 6 time steps (depth or height) of 4 inputs (width), found an input of depth 6, height 1, width 5"),
        ("rnn_last", 'TimeSteps="6"', 'TimeSteps="5"', "RNNLayer", "expected 5 time steps (depth or height) of 5 inputs (width), found an input of depth 6"),
        ("stacked", 'InputSize="7"', 'InputSize="8"', "GRULayer", "of 8 inputs (width), found an input of depth 1, height 6, width 7"),
        ("lstm_last", ' ReturnSequence="0"', "", "LSTMLayer", "expected an attribute ReturnSequence, found StateSize"),
        ("lstm_last", 'CellSize="8"', 'CellSize="7"', "LSTMLayer", "CellSize: expected the StateSize 8, found 7"),
        ("rnn_last", 'Width="8"', 'Width="9"', "ReshapeLayer", "expected 9 values (Depth 1, Height 1, Width 9), found an input of depth 1, height 1, width 8"),
        ("rnn_last", 'ActivationFunction="1"', 'ActivationFunction="8"', "DenseLayer", "ActivationFunction: expected 0 to 7, found 8"),
        ("batch_norm", 'Epsilon="[^"]*"', 'Epsilon="inf"', "BatchNormLayer", "Epsilon: expected a finite number, found inf"),
        # matrices
        ("rnn_last", '<InputWeights Rows="8"', '<InputWeights Rows="7"', "InputWeights", "Rows: expected 8 to fit <RNNLayer> and its input, found 7"),
        ("rnn_last", '<InputWeights Rows="8" Columns="5"', '<InputWeights Rows="8" Columns="6"', "InputWeights", "Columns: expected 5 to fit <RNNLayer> and its input, found 6"),
        ("rnn_last", '<Weights Rows="12" Columns="8"', '<Weights Rows="12" Columns="9"', "Weights", "Columns: expected 8 to fit <DenseLayer> and its input, found 9"),
        ("rnn_last", '<Biases Rows="8" Columns="1">\\s+\\S+', '<Biases Rows="8" Columns="1">', "Biases", "expected 8 numbers (8 x 1), found 7"),
        ("rnn_last", '<Biases Rows="8" Columns="1">', '<Biases Rows="8" Columns="1">1.5 ', "Biases", "expected 8 numbers (8 x 1), found 9"),
        ("rnn_last", '<Biases Rows="8" Columns="1">\\s+\\S+', '<Biases Rows="8" Columns="1">1.0q', "Biases", "expected numbers, found: value 0: '1.0q' is not a number"),
        ("rnn_last", '<Biases Rows="8" Columns="1">\\s+\\S+', '<Biases Rows="8" Columns="1">NaN', "Biases", "expected finite float32 numbers, found nan in row 0, column 0"),
        ("rnn_last", '<InputWeights Rows="8" Columns="5">(\\s+\\S+){7}', f'<InputWeights Rows="8" Columns="5">{"0 " * 6}-inf', "InputWeights", "expected finite float32 numbers, found -inf in row 1, column 1"),
        ("rnn_last", '<Biases Rows="8" Columns="1">\\s+\\S+', '<Biases Rows="8" Columns="1">1e39', "Biases", "expected finite float32 numbers, found 1e+39 in row 0, column 0"),
    ],
)  # fmt: skip
def test_an_error_names_the_line_the_node_and_what_is_wrong(
    case: str, pattern: str, new: str, node: str, problem: str, tmp_path: Path
) -> None:
    text, line = changed(case, pattern, new)
    message = error_of(text, tmp_path)
    assert re.match(r"\d+: <", message)
    assert message.split(": ", 1)[1].startswith(f"<{node}> ")
    assert problem in message
    assert message.startswith(f"{line}: ")


@pytest.mark.parametrize(
    ("pattern", "node", "problem"),
    [
        (r"(?s)  <Weights Net.*</Weights>\n(?=</M)", "MethodSetup", "expected a node <Weights> in it, found GeneralInfo, Options, Variables"),
        (r"(?s)  <Variables.*</Variables>\n", "MethodSetup", "expected a node <Variables> in it"),
        (r"(?s)  <Classes.*</Classes>\n", "MethodSetup", "expected a node <Classes> in it"),
        (r"(?s)  <GeneralInfo>.*</GeneralInfo>\n", "MethodSetup", "expected a node <GeneralInfo> in it"),
        (r'    <Info name="AnalysisType".*\n', "GeneralInfo", 'expected <Info name="AnalysisType">'),
        (r"(?s)      <StateWeights.*</StateWeights>\n", "RNNLayer", "expected a node <StateWeights> in it, found InputWeights, Biases"),
        (r"(?s)<Selection>.*</Selection>\n", "Transform", "expected a node <Selection> in it, found Class"),
        (r'<Class ClassIndex="2">.*\n', "Transform", "expected 3 <Class> nodes for 2 classes, found 2"),
    ],
)  # fmt: skip
def test_a_missing_node_is_named_with_its_parent(pattern: str, node: str, problem: str, tmp_path: Path) -> None:
    text, _ = changed("rnn_last", pattern, "")
    message = error_of(text, tmp_path)
    line = next(n for n, content in enumerate(text.splitlines(), 1) if re.match(rf" *<{node}[ >]", content))
    assert message.startswith(f"{line}: <{node}> ")
    assert problem in message


def test_a_missing_weights_node_of_a_dense_layer_is_not_taken_from_elsewhere(tmp_path: Path) -> None:
    text, line = changed("rnn_last", r'(?s)      <Weights Rows="12".*?</Weights>\n', "")
    assert error_of(text, tmp_path).startswith(
        f"{line - 1}: <DenseLayer> expected a node <Weights> in it, found Biases"
    )


def test_a_node_that_stands_twice_is_ambiguous(tmp_path: Path) -> None:
    text, line = changed("rnn_last", "  <MVAPdfs/>\n", '  <MVAPdfs/>\n  <Spectators NSpec="0"/>\n')
    message = error_of(text, tmp_path)
    assert message == f"{line + 1}: <Spectators> expected once in <MethodSetup>, found 2 times"


def test_a_regression_has_targets(tmp_path: Path) -> None:
    text, _ = changed("multiclass_softmax", 'Multiclass"', 'Regression"')
    assert error_of(text, tmp_path).startswith("2: <MethodSetup> expected a node <Targets> in it, found GeneralInfo")


def test_the_outputs_have_to_fit_the_classes_and_the_targets(tmp_path: Path) -> None:
    text, _ = changed(
        "multiclass_softmax", '(?s)NClass="3">.*</Classes>', 'NClass="1"><Class Name="a" Index="0"/></Classes>'
    )
    text = re.sub(r'<Class ClassIndex="2">.*\n', "", text)
    assert "<Weights> expected 1 outputs of the last layer, one for each of the classes, found 3" in error_of(
        text, tmp_path
    )
    text, _ = changed("regression", r'(?s)NTrgt="2">(\s*<Target .*?/>).*?</Targets>', 'NTrgt="0"></Targets>')
    text = re.sub(r'<Class ClassIndex="2">.*\n', "", text)
    assert "<Weights> expected 0 outputs of the last layer, one for each of the targets, found 2" in error_of(
        text, tmp_path
    )


# --- files that are not such files at all


@pytest.mark.parametrize(
    ("method", "advice"),
    [
        ("BDT::BDTG", "boosted decision trees are no network: evaluate it with ROOT's TMVA::Reader"),
        ("MLP::MLP", "try a DL method with a layout of DENSE layers"),
        ("DNN::DNN_CPU", "the older method for dense networks: try a DL method"),
        ("PyKeras::PyKeras", "in the Keras file that its option FilenameTrainedModel names"),
        ("PyTorch::net", "torch.jit.load"),
        ("PyRandomForest::f", "the Python pickle beside it"),
        ("RXGB::x", "R's own file"),
        ("Likelihood::L", "evaluate it with ROOT's TMVA::Reader"),
    ],
)
def test_a_file_of_another_method_is_refused_with_advice(method: str, advice: str, tmp_path: Path) -> None:
    message = error_of(f'<?xml version="1.0"?>\n<MethodSetup Method="{method}">\n</MethodSetup>', tmp_path)
    kind, _, _ = method.partition("::")
    assert message.startswith(f"2: <MethodSetup> Method: this is a {kind} weight file; expected one of MethodDL")
    assert advice in message


def test_another_root(tmp_path: Path) -> None:
    assert error_of('<?xml version="1.0"?>\n<html/>', tmp_path).startswith("2: <html> expected <MethodSetup>, the root")


def test_an_empty_file(tmp_path: Path) -> None:
    assert error_of(b" \n", tmp_path) == " expected a TMVA weight file, found an empty file"


def test_a_missing_file_stays_file_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="none\\.xml"):
        read_weights(tmp_path / "none.xml")


@pytest.mark.parametrize("content", [b"root\x00\x01 binary", b"plain text", b"<!-- only a comment -->"])
def test_no_xml(content: bytes, tmp_path: Path) -> None:
    assert error_of(content, tmp_path).startswith("1: expected a TMVA weight file (XML), found: ")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file(share: float, tmp_path: Path) -> None:
    text = (REFERENCE / "rnn_last" / "weights.xml").read_text()
    cut = text[: int(len(text) * share)]
    message = error_of(cut, tmp_path)
    line = int(message.split(":")[0])
    assert abs(line - (cut.count("\n") + 1)) <= 1
    assert "expected well-formed XML, found: " in message
    assert message.endswith("Is the file complete?")


def test_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    text, line = changed("rnn_last", 'Unit=""', 'Unit="µm"')
    message = error_of(text.encode("latin-1"), tmp_path)
    assert message.startswith(f"{line}: expected well-formed XML, found: ")


@pytest.mark.parametrize("encoding", ["utf-7", "klingon"])
def test_an_encoding_that_nobody_reads(encoding: str, tmp_path: Path) -> None:
    message = error_of(f'<?xml version="1.0" encoding="{encoding}"?>\n<MethodSetup/>', tmp_path)
    assert message.startswith("1: expected a file in UTF-8, found: ")


@pytest.mark.parametrize("start", ["<!-- ", '<MethodSetup Method="'])
def test_a_long_comment_or_attribute_does_not_stall_the_scan_of_the_prolog(start: str, tmp_path: Path) -> None:
    began = time.perf_counter()
    error_of(start + "x" * 3_000_000, tmp_path)
    assert time.perf_counter() - began < 5


# --- document type declarations

ENTITIES = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(12))
LAUGHS = f'<!DOCTYPE MethodSetup [<!ENTITY a0 "lol">{ENTITIES}]>'


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE MethodSetup>",
        '<!DOCTYPE MethodSetup SYSTEM "http://localhost/tmva.dtd">',
        '<!DOCTYPE MethodSetup [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        LAUGHS,
        "<!-- a long comment in front " + "x" * 5000 + "-->" + LAUGHS,
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_document_type_declaration_is_refused_before_its_entities_act(
    doctype: str, encoding: str, tmp_path: Path
) -> None:
    text = f'<?xml version="1.0"?>\n{doctype}\n<MethodSetup Method="DL::&a12;">&x;&a12;</MethodSetup>'
    message = error_of(text.encode(encoding), tmp_path)
    assert message.startswith("2: expected <MethodSetup>, found a document type declaration (<!DOCTYPE ...>)")
    assert message.endswith("remove it")


def test_an_undeclared_entity(tmp_path: Path) -> None:
    text, line = changed("rnn_last", 'Unit=""', 'Unit="&mu;m"')
    assert error_of(text, tmp_path).startswith(f"{line}: expected well-formed XML, found: Entity 'mu' not defined")
