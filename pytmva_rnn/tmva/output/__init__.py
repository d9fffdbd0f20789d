"""TMVA's own output file, and the tables that its Factory prints."""

from __future__ import annotations

from pytmva_rnn.tmva.output.evaluation import evaluation_table
from pytmva_rnn.tmva.output.method_output import MethodOutput
from pytmva_rnn.tmva.output.output_contents import check_folder, write_output

__all__ = ["MethodOutput", "check_folder", "evaluation_table", "write_output"]
