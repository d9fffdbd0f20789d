// ---- The border to Python: plain C, so that ctypes can make the functions.

struct Request {  // what is to be checked, trained, or written as a class
  const char *title, *options;
  int analysis;
  std::size_t variables, outputs, events;
  const float *x;         // events x variables, after TMVA's transformations
  const float *y;         // targets, transformed too (events x outputs); else a class number, or for signal 1 (events)
  const double *weights;  // after TMVA's normalisation
  const char *xml;        // the <Weights> node
  void (*log)(void *method, int level, const char *text);  // a line of TMVA's log
  void *method;
};

struct Answer {  // what Python says; it is copied before Python is asked again
  const char *xml;           // the <Weights> node
  const char *source;        // the network as a C++ header, whose class is `name`
  const char *name;
  const double *history;     // rows of epoch, training error, validation error
  std::size_t rows;
  const char *problem;       // what is wrong, where the function does not return 1
};

// Returns 1 when all is done: ctypes returns 0 for a function that an exception ends.
using Hook = int (*)(const Request *, Answer *);

struct Hooks {
  Hook check = nullptr, train = nullptr, write_class = nullptr;
};

inline Hooks &hooks()
{
  static Hooks all;
  return all;
}

// For ctypes, which knows addresses as integers.
inline void set_hooks(unsigned long long check, unsigned long long train, unsigned long long write_class)
{
  hooks().check = reinterpret_cast<Hook>(check);
  hooks().train = reinterpret_cast<Hook>(train);
  hooks().write_class = reinterpret_cast<Hook>(write_class);
}

// ---- TMVA's nodes.

inline Node node_of(TXMLEngine &engine, XMLNodePointer_t xml)
{
  Node node;
  node.name = engine.GetNodeName(xml);
  for (XMLAttrPointer_t one = engine.GetFirstAttr(xml); one; one = engine.GetNextAttr(one))
    node.attributes.emplace_back(engine.GetAttrName(one), engine.GetAttrValue(one));
  if (const char *text = engine.GetNodeContent(xml))
    node.text = text;
  for (XMLNodePointer_t child = engine.GetChild(xml); child; child = engine.GetNext(child))
    node.children.push_back(node_of(engine, child));
  return node;
}

// In TMVA's own form, to the byte: a matrix's numbers are a line of their own.
inline void write_node(TXMLEngine &engine, XMLNodePointer_t parent, const Node &node)
{
  XMLNodePointer_t made = engine.NewChild(parent, nullptr, node.name.c_str());
  for (const auto &attribute : node.attributes)
    engine.NewAttr(made, nullptr, attribute.first.c_str(), attribute.second.c_str());
  const std::size_t start = node.text.find_first_not_of(" \t\r\n");
  if (start != std::string::npos) {
    const std::size_t end = node.text.find_last_not_of(" \t\r\n");
    engine.AddRawLine(made, (node.text.substr(start, end + 1 - start) + "  ").c_str());
  }
  for (const Node &child : node.children)
    write_node(engine, made, child);
}

// ---- The method.

class Method : public TMVA::MethodBase {
public:
  Method(TMVA::Types::EMVA type, const TString &job, const TString &title, TMVA::DataSetInfo &data,
         const TString &options)
    : MethodBase(job, type, title, data, options)
  {
  }
  Method(TMVA::Types::EMVA type, TMVA::DataSetInfo &data, const TString &file) : MethodBase(type, data, file) {}

  Bool_t HasAnalysisType(TMVA::Types::EAnalysisType type, UInt_t classes, UInt_t targets) override
  {
    return (type == TMVA::Types::kClassification && classes == 2) ||
           (type == TMVA::Types::kMulticlass && classes >= 2) || (type == TMVA::Types::kRegression && targets >= 1);
  }

  void Init() override {}

  void DeclareOptions() override
  {
    values_.clear();
    for (const auto &option : options()) {
      values_.emplace_back(option.second);
      DeclareOptionRef(values_.back(), option.first, "see TMVA's MethodDL");
    }
  }

  // Mistakes show when a method is booked, before anything is trained. MethodBoost asks as it reads, too.
  void ProcessOptions() override
  {
    if (hooks().check)
      ask(hooks().check, described());
  }

  void Train() override
  {
    Request request = described();
    request.events = static_cast<std::size_t>(Data()->GetNTrainingEvents());
    const std::size_t per_event = DoRegression() ? request.outputs : 1;
    std::vector<float> x(request.events * request.variables), y(request.events * per_event);
    std::vector<double> weights(request.events);
    for (std::size_t i = 0; i < request.events; ++i) {
      const TMVA::Event *event = GetTrainingEvent(static_cast<Long64_t>(i));
      fill(event, request.variables, x.data() + i * request.variables);
      if (DoRegression())
        for (std::size_t j = 0; j < per_event; ++j)
          y[i * per_event + j] = event->GetTarget(static_cast<UInt_t>(j));
      else
        y[i] = DoMulticlass() ? static_cast<float>(event->GetClass()) : DataInfo().IsSignal(event) ? 1.0f : 0.0f;
      weights[i] = event->GetWeight();
    }
    request.x = x.data();
    request.y = y.data();
    request.weights = weights.data();
    const Answer answer = ask(hooks().train, request);
    // What is used from here on is what a file will give.
    const std::string text = std::string("<?xml version=\"1.0\"?>\n") + answer.xml;
    TXMLEngine &engine = TMVA::gTools().xmlengine();
    XMLDocPointer_t document = engine.ParseString(text.c_str());
    Node node = node_of(engine, engine.DocGetRootElement(document));
    engine.FreeDoc(document);
    take(std::move(node));
    history_.assign(answer.history, answer.history + 3 * answer.rows);
    if (fInteractive && fInteractive->NotInitialized()) {
      std::vector<TString> titles = {"Error on training set", "Error on validation set"};
      fInteractive->Init(titles);
    }
    for (std::size_t i = 0; i < history_.size(); i += 3) {
      fTrainHistory.AddValue("trainingError", static_cast<Int_t>(history_[i]), history_[i + 1]);
      fTrainHistory.AddValue("valError", static_cast<Int_t>(history_[i]), history_[i + 2]);
      if (fInteractive)
        fInteractive->AddPoint(history_[i], history_[i + 1], history_[i + 2]);
    }
  }

  using MethodBase::GetMvaValue;
  Double_t GetMvaValue(Double_t *lower = nullptr, Double_t *upper = nullptr) override
  {
    NoErrorCalc(lower, upper);
    need(Analysis::Classification, "EvaluateMVA");
    return score(GetEvent())[0];
  }

  using MethodBase::GetRegressionValues;
  const std::vector<Float_t> &GetRegressionValues() override
  {
    need(Analysis::Regression, "EvaluateRegression");
    const TMVA::Event *event = GetEvent();
    score(event);
    TMVA::Event made(*event);
    for (std::size_t i = 0; i < out_.size(); ++i)
      made.SetTarget(static_cast<UInt_t>(i), out_[i]);
    const TMVA::Event *back = GetTransformationHandler().InverseTransform(&made);
    for (std::size_t i = 0; i < out_.size(); ++i)
      out_[i] = back->GetTarget(static_cast<UInt_t>(i));
    return out_;
  }

  const std::vector<Float_t> &GetMulticlassValues() override
  {
    need(Analysis::Multiclass, "EvaluateMulticlass");
    return score(GetEvent());
  }

  const TMVA::Ranking *CreateRanking() override { return nullptr; }

  void WriteMonitoringHistosToFile() const override
  {
    if (!BaseDir() || history_.empty())
      return;
    TDirectory::TContext back(BaseDir());
    for (const auto &[name, column] : {std::make_pair("trainingError", 1), std::make_pair("valError", 2)}) {
      TGraph graph;
      for (std::size_t i = 0; i < history_.size(); i += 3)
        graph.SetPoint(static_cast<Int_t>(i / 3), history_[i], history_[i + static_cast<std::size_t>(column)]);
      graph.Write(name);
    }
  }

  using MethodBase::ReadWeightsFromStream;
  void ReadWeightsFromStream(std::istream &) override { fail("pytmva_rnn reads XML weight files only"); }

  void AddWeightsXMLTo(void *parent) const override
  {
    need_network();
    TXMLEngine &engine = TMVA::gTools().xmlengine();
    write_node(engine, parent, weights_);
    rename(engine, parent);
  }

  void ReadWeightsFromXML(void *node) override
  {
    try {
      take(node_of(TMVA::gTools().xmlengine(), node));
    } catch (const std::exception &error) {
      fail(error.what());
    }
  }

  const Network &network() const { return *network_; }

protected:
  // Today's TMVA asks for the events of the current sample at once.
  std::vector<Double_t> GetMvaValues(Long64_t first, Long64_t last, Bool_t log) override
  {
    need(Analysis::Classification, "GetMvaValues");
    const Long64_t all = Data()->GetNEvents();
    if (first > last || last > all)
      last = all;
    first = std::max<Long64_t>(first, 0);
    std::vector<Double_t> scores(static_cast<std::size_t>(std::max<Long64_t>(last - first, 0)));
    TMVA::Timer timer(static_cast<Int_t>(scores.size()), GetName(), kTRUE);
    if (log)
      Log() << TMVA::kHEADER << "[" << DataInfo().GetName() << "] : Evaluation of " << GetMethodName() << " on "
            << (Data()->GetCurrentType() == TMVA::Types::kTraining ? "training" : "testing") << " sample ("
            << scores.size() << " events)" << TMVA::Endl;
    const std::size_t tick = std::max<std::size_t>(scores.size() / 100, 1);
    for (std::size_t i = 0; i < scores.size(); ++i) {
      scores[i] = score(GetEvent(first + static_cast<Long64_t>(i)))[0];
      if (log && i % tick == 0)
        timer.DrawProgressBar(static_cast<Int_t>(i));
    }
    if (log)
      Log() << TMVA::kINFO << "Elapsed time for evaluation of " << scores.size()
            << " events: " << timer.GetElapsedTime() << "       " << TMVA::Endl;
    return scores;
  }

  void GetHelpMessage() const override
  {
    Log() << TMVA::Endl << "The recurrent and dense networks of MethodDL, trained by pytmva_rnn with MethodDL's options."
          << TMVA::Endl;
  }

  // TMVA's own standalone class: the network's header before it, and a call of it. The class has one value.
  void MakeClassSpecificHeader(std::ostream &out, const TString & = "") const override
  {
    if (DoMulticlass()) {
      out << "#include <stdexcept>\n";
      return;
    }
    const Answer answer = written_class();
    out << answer.source << "\n";
    class_ = answer.name;
  }
  void MakeClassSpecific(std::ostream &out, const TString &name) const override
  {
    out << "};\n"
        << "inline void " << name << "::Initialize() {}\n"
        << "inline void " << name << "::Clear() {}\n"
        << "inline double " << name << "::GetMvaValue__( const std::vector<double>&" << (DoMulticlass() ? "" : " v")
        << " ) const\n"
        << "{\n";
    if (DoMulticlass()) {
      out << "   throw std::logic_error(\"several classes have no single value; pytmva-rnn convert writes C++ with all\");\n"
          << "}\n";
      return;
    }
    out << "   float x[" << class_ << "::variables], out[" << class_ << "::outputs];\n"
        << "   for (std::size_t i = 0; i < " << class_ << "::variables; ++i) x[i] = static_cast<float>(v[i]);\n"
        << "   " << class_ << "().evaluate(x, 1, out);\n"
        << "   return out[0];\n"
        << "}\n";
  }

private:
  // PyROOT may lose the text of an exception where a call has several overloads, as BookMethod: it is logged too.
  [[noreturn]] void fail(const std::string &problem) const
  {
    Log() << TMVA::kERROR << problem << TMVA::Endl;
    throw std::runtime_error(problem);
  }

  static void log_line(void *method, int level, const char *text)
  {
    static_cast<Method *>(method)->Log() << static_cast<TMVA::EMsgType>(level) << text << TMVA::Endl;
  }

  // The node is MethodDL's, so that it and whatever else reads its files takes it; in place, as attributes have an order.
  void rename(TXMLEngine &engine, void *node) const
  {
    std::vector<std::pair<std::string, std::string>> all;
    for (XMLAttrPointer_t one = engine.GetFirstAttr(node); one; one = engine.GetNextAttr(one))
      all.emplace_back(engine.GetAttrName(one), engine.GetAttrValue(one));
    engine.FreeAllAttr(node);
    for (const auto &[name, value] : all)
      engine.NewAttr(node, nullptr, name.c_str(),
                     name == "Method" ? ("DL::" + GetMethodName()).Data() : value.c_str());
  }

  Request described()
  {
    text_.clear();
    auto value = values_.begin();
    for (const auto &option : options()) {
      text_ += (text_.empty() ? "" : ":") + std::string(option.first) + "=" + value->Data();
      ++value;
    }
    // TMVA declares it, and leaves it to each method to do so.
    text_ += std::string(":IgnoreNegWeightsInTraining=") + (IgnoreEventsWithNegWeightsInTraining() ? "True" : "False");
    Request request{};
    request.title = GetMethodName().Data();
    request.options = text_.c_str();
    request.analysis = static_cast<int>(analysis());
    request.variables = GetNvar();
    request.outputs = outputs();
    request.log = log_line;
    request.method = this;
    return request;
  }

  // Methods that MethodBoost and MethodCategory hold may have no analysis type of their own.
  Analysis analysis() const
  {
    return DoRegression() ? Analysis::Regression : DoMulticlass() ? Analysis::Multiclass : Analysis::Classification;
  }
  std::size_t outputs() const
  {
    return DoRegression() ? GetNTargets() : DoMulticlass() ? DataInfo().GetNClasses() : 1;
  }

  Answer ask(Hook hook, const Request &request) const
  {
    Answer answer{};
    if (!hook)
      fail("training and MakeClass need Python in the process: call pytmva_rnn.pyroot.install() in it "
           "(from C++: TPython::Exec(\"import pytmva_rnn.pyroot; pytmva_rnn.pyroot.install()\"))");
    if (hook(&request, &answer) != 1)
      fail(answer.problem ? answer.problem : "pytmva_rnn was ended in Python");
    return answer;
  }

  Answer written_class() const
  {
    need_network();
    TXMLEngine &engine = TMVA::gTools().xmlengine();
    XMLNodePointer_t top = engine.NewChild(nullptr, nullptr, "Top");
    write_node(engine, top, weights_);
    TString xml;
    engine.SaveSingleNode(engine.GetChild(top), &xml);
    engine.FreeNode(top);
    Request request{};
    request.title = GetMethodName().Data();
    request.options = "";
    request.analysis = static_cast<int>(analysis());
    request.variables = GetNvar();
    request.outputs = outputs();
    request.xml = xml.Data();
    return ask(hooks().write_class, request);
  }

  void take(Node weights)
  {
    network_ = std::make_unique<Network>(read_network(weights, GetNvar(), outputs(), analysis()));
    weights_ = std::move(weights);
    work_ = network_->work();
    x_.resize(network_->variables);
    out_.assign(network_->outputs, 0);
  }

  void need_network() const
  {
    if (!network_)
      fail("the method has neither been trained nor read from a file");
  }

  // One number for what has several, or on another scale, would be wrong without a word.
  void need(Analysis kind, const char *call) const
  {
    constexpr const char *kinds[] = {"classification with two classes", "regression", "multiclass classification"};
    constexpr const char *calls[] = {"EvaluateMVA", "EvaluateRegression", "EvaluateMulticlass"};
    need_network();
    if (network_->analysis != kind)
      fail(std::string(call) + " is for a " + kinds[static_cast<int>(kind)] + ", and this is a " +
           kinds[static_cast<int>(network_->analysis)] + ": call " + calls[static_cast<int>(network_->analysis)]);
  }

  // An event of the Reader holds the spectators too, behind the variables.
  void fill(const TMVA::Event *event, std::size_t count, float *x) const
  {
    const std::vector<Float_t> &all = event->GetValues();
    if (all.size() < count)
      fail("the event has " + std::to_string(all.size()) + " variables, the network " + std::to_string(count));
    std::copy_n(all.begin(), count, x);
  }

  std::vector<Float_t> &score(const TMVA::Event *event)
  {
    need_network();
    fill(event, x_.size(), x_.data());
    network_->score(x_.data(), out_.data(), work_);
    return out_;
  }

  std::list<TString> values_;  // a list: TMVA keeps references
  std::string text_;           // the options as they were last asked for
  Node weights_;
  std::unique_ptr<Network> network_;
  std::vector<Line> work_;
  std::vector<double> history_;
  std::vector<Float_t> x_, out_;
  mutable std::string class_;
};

// ---- Registration under a name. What a name stands for in Types is a number: that of TMVA's own DL, and one that no
// method of TMVA has.

inline TMVA::Types::EMVA own_type() { return TMVA::Types::kMaxMethod; }

template <bool Own>
TMVA::IMethod *create(const TString &job, const TString &title, TMVA::DataSetInfo &data, const TString &text)
{
  const TMVA::Types::EMVA type = Own ? own_type() : TMVA::Types::kDL;
  if (job == "" && title == "")
    return new Method(type, data, text);
  return new Method(type, job, title, data, text);
}

inline void map_type(TMVA::Types::EMVA type, const char *name)
{
#if PYTMVA_RNN_TYPES_IS_CLASS
  TMVA::Types::Instance().AddTypeMapping(type, name);
#else
  TMVA::Types::AddTypeMapping(type, name);
#endif
}

// Makes PyTMVARNN a method of this process' TMVA; with `replace_dl`, and where TMVA has no DL, DL too. May be called
// again. Returns false where TMVA did not take it.
inline bool install(bool replace_dl = false)
{
  TMVA::ClassifierFactory &factory = TMVA::ClassifierFactory::Instance();
  const std::vector<std::string> names = factory.List();
  const auto known = [&](const char *name) { return std::find(names.begin(), names.end(), name) != names.end(); };
  bool taken = true;
  if (!known("PyTMVARNN")) {
    map_type(own_type(), "PyTMVARNN");
    taken = factory.Register("PyTMVARNN", create<true>);
  }
  if (known("DL") && !replace_dl)
    return taken;
  if (known("DL"))
    factory.Unregister("DL");
  else
    map_type(TMVA::Types::kDL, "DL");
  return factory.Register("DL", create<false>) && taken;
}
