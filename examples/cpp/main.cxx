// The network of examples/quark_gluon.toml in C++, without Python, ROOT or TMVA:
//
//     pip install ".[examples]" && pytmva-rnn train examples/quark_gluon.toml
//     pytmva-rnn convert dataset/weights/TMVAClassification_LSTM.weights.xml QuarkGluon.hxx
//     g++ -std=c++17 -O3 -march=native -I. examples/cpp/main.cxx -o quark_gluon && ./quark_gluon

#include "QuarkGluon.hxx"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <string>
#include <vector>

struct Track {
  float pt, delta_eta, delta_phi, charge;
};

struct Jet {
  float pt;
  std::vector<Track> tracks;
};

// One container for each input of the sequence, in the order of the configuration, with as many tracks as there are;
// the last one is what they are sorted by. Sorting, cutting and padding are the model's.
float score(const QuarkGluon& model, const Jet& jet)
{
  std::vector<float> pt_rel, delta_eta, delta_phi, charge, log_pt_rel, log_delta_r, pt;
  for (const Track& track : jet.tracks) {
    const float fraction = track.pt / jet.pt;
    pt_rel.push_back(std::clamp(fraction, 0.0f, 1.0f));
    delta_eta.push_back(track.delta_eta);
    delta_phi.push_back(track.delta_phi);
    charge.push_back(track.charge);
    log_pt_rel.push_back(std::log(std::clamp(fraction, 0.001f, 1.0f)));
    log_delta_r.push_back(std::log(std::max(0.001f, std::hypot(track.delta_eta, track.delta_phi))));
    pt.push_back(track.pt);
  }
  return model(pt_rel, delta_eta, delta_phi, charge, log_pt_rel, log_delta_r, pt);
}

// Code that was written for TMVA::Reader needs this line and the header's name in place of TMVA's.
namespace TMVA = QuarkGluon_TMVA;

double score_of_reader(std::vector<float> variables)
{
  TMVA::Tools::Instance();
  TMVA::Reader reader("!Color:!Silent");
  const std::string inputs[] = {"pt_rel", "delta_eta", "delta_phi", "charge", "log_pt_rel", "log_delta_r"};
  for (std::size_t t = 0; t < QuarkGluon::steps; ++t)
    for (std::size_t d = 0; d < QuarkGluon::inputs; ++d)
      reader.AddVariable(inputs[d] + "_" + std::to_string(t), &variables[t * QuarkGluon::inputs + d]);
  reader.BookMVA("LSTM", "dataset/weights/TMVAClassification_LSTM.weights.xml");
  return reader.EvaluateMVA("LSTM");
}

int main()
{
  const QuarkGluon model;
  const Jet narrow = {80, {{30, 0.01f, -0.02f, 1}, {42, -0.01f, 0.01f, -1}}};
  const Jet wide = {80, {{9, 0.2f, 0.1f, 1}, {7, -0.3f, 0.1f, 1}, {8, 0.1f, -0.25f, -1}, {5, 0.3f, 0.2f, -1},
                         {3, -0.1f, 0.3f, 1}, {2, 0.2f, -0.3f, 1}, {1, 0.1f, 0.4f, -1}}};
  std::cout << "narrow jet: " << score(model, narrow) << "\n";
  std::cout << "wide jet: " << score(model, wide) << "\n";
  std::cout << "no tracks: " << score(model, {50, {}}) << "\n";
  const std::vector<float> nothing(QuarkGluon::variables, 0.0f);
  std::cout << "no tracks, from the reader: " << score_of_reader(nothing) << "\n";
}
