// What a program does with the plugin: files of MethodDL in TMVA::Reader, booked twice, in several threads, called
// wrongly, and cut off. Reads the lines of the file `cases`: name, analysis, weight file, number of variables, their names.

#include "PyTMVARNN.hxx"

#include "TMVA/Reader.h"

#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <thread>

namespace {

std::vector<float> floats(const std::string &path)
{
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

struct Booked {
  Booked(const std::vector<std::string> &names, const std::string &file) : x(names.size())
  {
    for (std::size_t i = 0; i < names.size(); ++i)
      reader.AddVariable(names[i], &x[i]);
    for (const char *tag : {"one", "other"})
      reader.BookMVA(tag, file);
  }

  std::vector<float> scores(const char *tag, const std::string &analysis)
  {
    if (analysis == "Regression")
      return reader.EvaluateRegression(tag);
    if (analysis == "Multiclass")
      return reader.EvaluateMulticlass(tag);
    return {static_cast<float>(reader.EvaluateMVA(tag))};
  }

  std::vector<float> of_all(const std::vector<float> &events, const char *tag, const std::string &analysis)
  {
    std::vector<float> all;
    for (std::size_t i = 0; i < events.size(); i += x.size()) {
      std::copy_n(events.begin() + static_cast<std::ptrdiff_t>(i), x.size(), x.begin());
      const std::vector<float> found = scores(tag, analysis);
      all.insert(all.end(), found.begin(), found.end());
    }
    return all;
  }

  std::vector<float> x;
  TMVA::Reader reader{"!Color:Silent"};
};

void same(const std::vector<float> &one, const std::vector<float> &other, const std::string &what)
{
  if (one.size() != other.size() || std::memcmp(one.data(), other.data(), one.size() * sizeof(float)) != 0)
    std::printf("%s: other scores\n", what.c_str());
}

// Files that end too early are refused, wherever that is.
void cut(const std::string &file, const std::vector<std::string> &names, const std::string &name)
{
  std::ifstream in(file);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  for (const double part : {0.3, 0.5, 0.7, 0.9}) {
    const std::string path = name + ".cut.xml";
    std::ofstream(path) << text.substr(0, static_cast<std::size_t>(part * static_cast<double>(text.size())));
    try {
      Booked booked(names, path);
      std::printf("%s: taken, cut off at %g\n", name.c_str(), part);
    } catch (const std::exception &) {
    }
  }
}

} // namespace

int main()
{
  pytmva_rnn::install(true);
  std::ifstream cases("cases");
  std::string name, analysis, file;
  std::size_t count = 0;
  while (cases >> name >> analysis >> file >> count) {
    std::vector<std::string> names(count);
    for (std::string &one : names)
      cases >> one;
    const std::vector<float> events = floats(name + ".x");

    std::vector<std::unique_ptr<Booked>> booked;
    for (int i = 0; i < 3; ++i)
      booked.push_back(std::make_unique<Booked>(names, file));
    std::vector<std::vector<float>> found(booked.size());
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < booked.size(); ++i)
      threads.emplace_back([&, i] { found[i] = booked[i]->of_all(events, "one", analysis); });
    for (std::thread &thread : threads)
      thread.join();
    for (const auto &of_thread : found)
      same(of_thread, found[0], name + " in a thread");
    same(booked[0]->of_all(events, "other", analysis), found[0], name + " booked again");
    std::ofstream(name + ".scores", std::ios::binary)
      .write(reinterpret_cast<const char *>(found[0].data()), static_cast<std::streamsize>(found[0].size() * sizeof(float)));

    std::fill(booked[0]->x.begin(), booked[0]->x.end(), 0.5f);  // the Reader answers to a NaN itself
    try {
      booked[0]->scores("one", analysis == "Regression" ? "Classification" : "Regression");
      std::printf("%s: answers what it is not asked for\n", name.c_str());
    } catch (const std::runtime_error &) {
    }
    cut(file, names, name);
  }
}
