// ---- The calls of TMVA::Reader. As in TMVA, an object is for one thread.

// Texts as analyses have them: "...", std::string, TString
struct Text {
  std::string value;
  Text(const char* text) : value(text) {}
  Text(const std::string& text) : value(text) {}
  template <class T, class = decltype(std::declval<const T&>().Data())>
  Text(const T& text) : value(text.Data())
  {
  }
};

template <class Data>
class Reader {
public:
  explicit Reader(const Text& = "", bool = false) {}

  // Variables and spectators are checked when a method is booked.
  void AddVariable(const Text& expression, float* value) { add(variables_, expression, value, nullptr); }
  void AddVariable(const Text& expression, int* value) { add(variables_, expression, nullptr, value); }
  void AddSpectator(const Text& expression, float* value) { add(spectators_, expression, value, nullptr); }
  void AddSpectator(const Text& expression, int* value) { add(spectators_, expression, nullptr, value); }

  // The weights are in this header. A file that can be read must be the one that they came from.
  const Model<Data>* BookMVA(const Text& tag, const Text& file)
  {
    if (std::find(tags_.begin(), tags_.end(), tag.value) != tags_.end())
      fail("a method '" + tag.value + "' is booked already");
    check("variable", variables_, Data::variable_names.data(), Data::variable_names.size());
    check("spectator", spectators_, Data::spectator_names.data(), Data::spectator_names.size());
    check_file(file.value);
    tags_.push_back(tag.value);
    return &model_;
  }

  double EvaluateMVA(const Text& tag, double = 0)
  {
    require(tag, Analysis::Classification, "EvaluateMVA");
    return static_cast<double>(scores(current())[0]);
  }
  template <class Number>
  double EvaluateMVA(const std::vector<Number>& x, const Text& tag, double = 0)
  {
    require(tag, Analysis::Classification, "EvaluateMVA");
    return static_cast<double>(scores(converted(x))[0]);
  }

  const std::vector<float>& EvaluateRegression(const Text& tag, double = 0)
  {
    require(tag, Analysis::Regression, "EvaluateRegression");
    return scores(current());
  }
  float EvaluateRegression(unsigned target, const Text& tag, double = 0) { return EvaluateRegression(tag).at(target); }

  const std::vector<float>& EvaluateMulticlass(const Text& tag, double = 0)
  {
    require(tag, Analysis::Multiclass, "EvaluateMulticlass");
    return scores(current());
  }
  float EvaluateMulticlass(unsigned cls, const Text& tag, double = 0) { return EvaluateMulticlass(tag).at(cls); }

private:
  struct Link {
    std::string expression;
    const float* real;
    const int* whole;
  };

  void add(std::vector<Link>& links, const Text& expression, const float* real, const int* whole)
  {
    const std::string& text = expression.value;
    const std::size_t label = text.find(":=");
    const std::size_t first = text.find_first_not_of(" \t", label == text.npos ? 0 : label + 2);
    const std::size_t last = text.find_last_not_of(" \t");
    links.push_back({first == text.npos ? "" : text.substr(first, last + 1 - first), real, whole});
  }

  void check(const char* what, const std::vector<Link>& links, const Name* names, std::size_t n) const
  {
    if (links.size() != n)
      fail(std::to_string(links.size()) + " " + what + "s are declared, but the model has " + std::to_string(n));
    for (std::size_t i = 0; i < n; ++i)
      if (links[i].expression != names[i].expression && links[i].expression != names[i].element)
        fail(std::string(what) + " " + std::to_string(i) + " is declared as '" + links[i].expression +
             "', but in the model it is '" + names[i].expression + "'");
  }

  void check_file(const std::string& name) const
  {
    std::ifstream file(name, std::ios::binary);
    if (!file || Data::file_checksum == 0)
      return;
    std::uint32_t checksum = 0xffffffffu;  // CRC-32
    for (std::istreambuf_iterator<char> c(file), end; c != end; ++c) {
      checksum ^= static_cast<unsigned char>(*c);
      for (int bit = 0; bit < 8; ++bit)
        checksum = checksum >> 1 ^ (checksum & 1 ? 0xedb88320u : 0);
    }
    if (~checksum != Data::file_checksum)
      fail(name + " is not the file from which this header was made; make it again with `pytmva-rnn convert`");
  }

  void require(const Text& tag, Analysis analysis, const char* call) const
  {
    if (std::find(tags_.begin(), tags_.end(), tag.value) == tags_.end())
      fail("no method '" + tag.value + "' is booked");
    if (analysis != Data::analysis)
      fail(std::string(call) + " is not for the analysis of this model");
  }

  const std::vector<float>& current()
  {
    values_.clear();
    for (const Link& link : variables_)
      values_.push_back(link.real ? *link.real : static_cast<float>(*link.whole));
    return values_;
  }

  template <class Number>
  const std::vector<float>& converted(const std::vector<Number>& x)
  {
    if (x.size() != Model<Data>::variables)
      refuse(Data::name, "vector", 0, x.size(), Model<Data>::variables);
    values_.assign(x.begin(), x.end());
    return values_;
  }

  const std::vector<float>& scores(const std::vector<float>& x)
  {
    scores_.resize(Model<Data>::outputs);
    model_.evaluate(x.data(), 1, scores_.data());
    return scores_;
  }

  [[noreturn]] static void fail(const std::string& problem)
  {
    throw std::runtime_error(std::string(Data::name) + ": " + problem);
  }

  Model<Data> model_;
  std::vector<Link> variables_, spectators_;
  std::vector<std::string> tags_;
  std::vector<float> values_, scores_;
};

// TMVA::Tools::Instance() stands at the start of many analyses; there is nothing to load here.
struct Tools {
  static Tools& Instance()
  {
    static Tools tools;
    return tools;
  }
};
