// A weight file of MethodDL in TMVA::Reader, with a TMVA that was built without DL, without Python, and without
// compiling the network:
//
//     python examples/tmva_plugin.py && pytmva-rnn plugin PyTMVARNN.hxx
//     g++ -O2 -I. examples/cpp/plugin.cxx $(root-config --cflags --libs) -lTMVA -lXMLIO -o plugin && ./plugin
//
// As a macro, `root -l examples/cpp/plugin.cxx`, it does the same. There, after
//     TPython::Exec("from pytmva_rnn import pyroot; pyroot.install()");
// a Factory of C++ trains with the method PyTMVARNN; such a session does not include the header.

#include "PyTMVARNN.hxx"

#include "TMVA/Reader.h"

#include <iostream>
#include <string>
#include <vector>

int plugin(const std::string &weights = "dataset/weights/plugin_LSTM.weights.xml")
{
  pytmva_rnn::install(true);  // DL means pytmva_rnn, also where TMVA has its own

  std::vector<float> x(18);
  TMVA::Reader reader("!Color:Silent");
  for (std::size_t i = 0; i < x.size(); ++i)
    reader.AddVariable("x" + std::to_string(i), &x[i]);
  reader.BookMVA("LSTM", weights.c_str());

  for (int event = 0; event < 5; ++event) {
    for (std::size_t i = 0; i < x.size(); ++i)
      x[i] = 0.25f * static_cast<float>((i + static_cast<std::size_t>(event)) % 7) - 0.75f;
    std::cout << reader.EvaluateMVA("LSTM") << "\n";
  }
  return 0;
}

int main(int count, char **arguments) { return count > 1 ? plugin(arguments[1]) : plugin(); }
