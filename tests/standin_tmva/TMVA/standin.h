// A small TMVA with the classes and calls that a method meets in the real one, for tests in a ROOT without it. What a
// method overrides or calls has TMVA's own signatures, as its public headers of each generation have them:
//   622  ROOT 6.22 to 6.28
//   630  ROOT 6.30 to 6.40: GetDataMvaValues, a data set for a while
//   642  TMVA::Types is a namespace
// The rest is as little as lets a Factory train and a Reader read. Transformations are N or none.
#ifndef TMVA_STANDIN
#define TMVA_STANDIN

#ifndef TMVA_STANDIN_GENERATION
#define TMVA_STANDIN_GENERATION 630
#endif

#include "TCut.h"
#include "TDirectory.h"
#include "TFile.h"
#include "TGraph.h"
#include "TMatrixD.h"
#include "TMultiGraph.h"
#include "TNamed.h"
#include "TObject.h"
#include "TString.h"
#include "TSystem.h"
#include "TXMLEngine.h"

#include <cmath>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>
#include <sys/wait.h>
#include <unistd.h>

class TSpline;

namespace TMVA {

enum EMsgType { kDEBUG = 1, kVERBOSE = 2, kINFO = 3, kWARNING = 4, kERROR = 5, kFATAL = 6, kSILENT = 7, kHEADER = 8 };

#if TMVA_STANDIN_GENERATION >= 642
namespace Types {
#else
class Types {
public:
#endif
  enum EMVA { kVariable = 0, kFisher, kBDT, kBoost, kPlugins, kCategory, kDNN, kDL, kPyKeras, kCrossValidation, kMaxMethod };
  enum EAnalysisType { kClassification = 0, kRegression, kMulticlass, kNoAnalysisType, kMaxAnalysisType };
  enum ESBType { kSignal = 0, kBackground, kSBBoth, kMaxSBType, kTrueType };
  enum ETreeType { kTraining = 0, kTesting, kMaxTreeType, kValidation, kTrainingOriginal };
#if TMVA_STANDIN_GENERATION >= 642
  inline std::map<TString, EMVA> &Known()
  {
    static std::map<TString, EMVA> all;
    return all;
  }
  inline EMVA GetMethodType(const TString &name)
  {
    if (!Known().count(name))
      throw std::runtime_error(("FATAL: unknown method " + name).Data());
    return Known()[name];
  }
  inline TString GetMethodName(EMVA type)
  {
    for (const auto &one : Known())
      if (one.second == type)
        return one.first;
    throw std::runtime_error("FATAL: unknown method");
  }
  inline Bool_t AddTypeMapping(EMVA type, const TString &name) { return Known().emplace(name, type).second; }
} // namespace Types
#else
  static Types &Instance()
  {
    static Types one;
    return one;
  }
  EMVA GetMethodType(const TString &name) const
  {
    const auto found = known_.find(name);
    if (found == known_.end())
      throw std::runtime_error(("FATAL: unknown method " + name).Data());
    return found->second;
  }
  TString GetMethodName(EMVA type) const
  {
    for (const auto &one : known_)
      if (one.second == type)
        return one.first;
    throw std::runtime_error("FATAL: unknown method");
  }
  Bool_t AddTypeMapping(EMVA type, const TString &name) { return known_.emplace(name, type).second; }

private:
  Types() = default;
  std::map<TString, EMVA> known_;
};
#endif

inline TString name_of(Types::EMVA type)
{
#if TMVA_STANDIN_GENERATION >= 642
  return Types::GetMethodName(type);
#else
  return Types::Instance().GetMethodName(type);
#endif
}

class MsgLogger : public TNamed {
public:
  void SetSource(const std::string &source) { SetName(source.c_str()); }
  template <class T>
  MsgLogger &operator<<(T value)
  {
    std::ostringstream text;
    text << value;
    text_ += text.str();
    return *this;
  }
  MsgLogger &operator<<(EMsgType type)
  {
    type_ = type;
    return *this;
  }
  MsgLogger &operator<<(MsgLogger &(*function)(MsgLogger &)) { return function(*this); }
  static MsgLogger &Endmsg(MsgLogger &logger)
  {
    static const char *const names[] = {"", "DEBUG", "VERBOSE", "INFO", "WARNING", "ERROR", "FATAL", "", "HEADER"};
    std::cout << "<" << names[logger.type_] << "> " << logger.GetName() << " : " << logger.text_ << std::endl;
    logger.text_.clear();
    const bool fatal = logger.type_ == kFATAL;
    logger.type_ = kINFO;
    if (fatal)
      throw std::runtime_error("FATAL error");
    return logger;
  }

private:
  std::string text_;
  EMsgType type_ = kINFO;
};
inline MsgLogger &Endl(MsgLogger &logger) { return MsgLogger::Endmsg(logger); }

class Tools {
public:
  TXMLEngine &xmlengine() { return engine_; }

private:
  TXMLEngine engine_;
};
inline Tools &gTools()
{
  static Tools one;
  return one;
}

class Timer {
public:
  Timer(Int_t, const char *, Bool_t = kTRUE) {}
  TString GetElapsedTime(Bool_t = kTRUE) { return "0 sec"; }
  void DrawProgressBar(Int_t, const TString & = "") {}
};

class Event {
public:
  Event(const std::vector<Float_t> &values, const std::vector<Float_t> &targets, UInt_t number, Double_t weight)
    : values_(values), targets_(targets), class_(number), weight_(weight)
  {
  }
  Float_t GetValue(UInt_t i) const { return values_.at(i); }
  std::vector<Float_t> &GetValues() { return values_; }
  const std::vector<Float_t> &GetValues() const { return values_; }
  Float_t GetTarget(UInt_t i) const { return targets_.at(i); }
  UInt_t GetNTargets() const { return static_cast<UInt_t>(targets_.size()); }
  void SetTarget(UInt_t i, Float_t value)
  {
    if (i >= targets_.size())
      targets_.resize(i + 1);
    targets_[i] = value;
  }
  void SetVal(UInt_t i, Float_t value) { values_.at(i) = value; }
  Double_t GetWeight() const { return weight_; }
  UInt_t GetClass() const { return class_; }

private:
  std::vector<Float_t> values_, targets_;
  UInt_t class_;
  Double_t weight_;
};

class DataSet : public TObject {
public:
  void SetCurrentType(Types::ETreeType type) const { type_ = type; }
  Types::ETreeType GetCurrentType() const { return type_; }
  Long64_t GetNEvents(Types::ETreeType type = Types::kMaxTreeType) const
  {
    return static_cast<Long64_t>(events_[type == Types::kMaxTreeType ? type_ : type].size());
  }
  Long64_t GetNTrainingEvents() const { return GetNEvents(Types::kTraining); }
  void SetCurrentEvent(Long64_t i) const { current_ = i; }
  const Event *GetEvent() const { return &events_[type_].at(static_cast<std::size_t>(current_)); }
  const Event *GetEvent(Long64_t i) const
  {
    SetCurrentEvent(i);
    return GetEvent();
  }
  void Add(Types::ETreeType type, const Event &event) { events_[type].push_back(event); }

private:
  std::vector<Event> events_[2];
  mutable Types::ETreeType type_ = Types::kTraining;
  mutable Long64_t current_ = 0;
};

class DataSetInfo : public TObject {
public:
  explicit DataSetInfo(const TString &name) : name_(name) {}
  const char *GetName() const override { return name_; }
  UInt_t GetNVariables() const { return static_cast<UInt_t>(variables.size()); }
  UInt_t GetNTargets() const { return static_cast<UInt_t>(targets.size()); }
  UInt_t GetNClasses() const { return static_cast<UInt_t>(classes.size()); }
  Bool_t IsSignal(const Event *event) const { return event->GetClass() == 0; }
  DataSet *GetDataSet() const { return &data_; }

  std::vector<TString> variables, targets, classes;

private:
  TString name_;
  mutable DataSet data_;
};

// N for variables and targets, or nothing.
class TransformationHandler {
public:
  explicit TransformationHandler(DataSetInfo &info) : info_(info) {}
  void Calculate(const DataSet &data)
  {
    least_.clear();
    for (Long64_t n = 0; n < data.GetNEvents(); ++n) {
      const Event *event = data.GetEvent(n);
      for (std::size_t i = 0; i < all(*event).size(); ++i) {
        const Double_t value = all(*event)[i];
        if (least_.size() <= i)
          least_.push_back(value), most_.push_back(value);
        least_[i] = std::min(least_[i], value);
        most_[i] = std::max(most_[i], value);
      }
    }
  }
  const Event *Transform(const Event *event) const { return changed(event, false); }
  const Event *InverseTransform(const Event *event, Bool_t = true) const { return changed(event, true); }
  void AddXMLTo(void *parent) const
  {
    TXMLEngine &engine = gTools().xmlengine();
    void *node = engine.NewChild(parent, nullptr, "Transformations");
    engine.NewAttr(node, nullptr, "NTransformations", "0");
    for (std::size_t i = 0; i < least_.size(); ++i) {
      void *range = engine.NewChild(node, nullptr, "Range");
      engine.NewAttr(range, nullptr, "Min", Form("%.17g", least_[i]));
      engine.NewAttr(range, nullptr, "Max", Form("%.17g", most_[i]));
    }
  }
  void ReadFromXML(void *node)
  {
    TXMLEngine &engine = gTools().xmlengine();
    for (void *range = engine.GetChild(node); range; range = engine.GetNext(range)) {
      least_.push_back(std::atof(engine.GetAttr(range, "Min")));
      most_.push_back(std::atof(engine.GetAttr(range, "Max")));
    }
  }

private:
  static std::vector<Float_t> all(const Event &event)
  {
    std::vector<Float_t> values = event.GetValues();
    for (UInt_t i = 0; i < event.GetNTargets(); ++i)
      values.push_back(event.GetTarget(i));
    return values;
  }
  const Event *changed(const Event *event, bool back) const
  {
    if (least_.empty())
      return event;
    made_ = std::make_unique<Event>(*event);
    const UInt_t variables = info_.GetNVariables();
    for (UInt_t i = 0; i < variables && !back; ++i)
      made_->SetVal(i, one(i, event->GetValue(i), false));
    for (UInt_t i = 0; i < event->GetNTargets(); ++i)
      made_->SetTarget(i, one(variables + i, event->GetTarget(i), back));
    return made_.get();
  }
  Float_t one(UInt_t i, Float_t value, bool back) const
  {
    const Double_t scale = 2 / (most_[i] - least_[i]);
    return static_cast<Float_t>(back ? (value + 1) / scale + least_[i] : (value - least_[i]) * scale - 1);
  }

  DataSetInfo &info_;
  std::vector<Double_t> least_, most_;
  mutable std::unique_ptr<Event> made_;
};

class TrainingHistory {
public:
  void AddValue(TString property, Int_t stage, Double_t value) { values[property].emplace_back(stage, value); }
  std::map<TString, std::vector<std::pair<Int_t, Double_t>>> values;
};

class OptionBase;

class Configurable : public TObject {
public:
  explicit Configurable(const TString &options = "") : options_(options) {}
  const char *GetName() const override { return "Configurable"; }
  virtual void ParseOptions()
  {
    std::istringstream words(options_.Data());
    for (std::string word; std::getline(words, word, ':');) {
      const bool off = word[0] == '!';
      const std::size_t sign = word.find('=');
      const std::string name = word.substr(off, sign == std::string::npos ? sign : sign - off);
      bool known = false;
      for (auto &declared : declared_)
        if (declared.name == name) {
          declared.set(sign == std::string::npos ? (off ? "False" : "True") : word.substr(sign + 1).c_str());
          declared.given = known = true;
        }
      if (!known && !word.empty())
        Log() << kFATAL << "unknown option " << name << Endl;
    }
  }
  template <class T>
  OptionBase *DeclareOptionRef(T &reference, const TString &name, const TString & = "")
  {
    declared_.push_back({name, false, [&reference](const TString &text) { assign(reference, text); },
                         [&reference] { return shown(reference); }});
    return nullptr;
  }
  const TString &GetOptions() const { return options_; }
  void SetOptions(const TString &options) { options_ = options; }
  void AddOptionsXMLTo(void *parent) const
  {
    TXMLEngine &engine = gTools().xmlengine();
    void *node = engine.NewChild(parent, nullptr, "Options");
    for (const auto &declared : declared_) {
      void *option = engine.NewChild(node, nullptr, "Option", declared.shown());
      engine.NewAttr(option, nullptr, "name", declared.name);
      engine.NewAttr(option, nullptr, "modified", declared.given ? "Yes" : "No");
    }
  }
  void ReadOptionsFromXML(void *node)
  {
    TXMLEngine &engine = gTools().xmlengine();
    options_ = "";
    for (void *option = engine.GetChild(node); option; option = engine.GetNext(option))
      options_ += TString(options_ == "" ? "" : ":") + engine.GetAttr(option, "name") + "=" + engine.GetNodeContent(option);
  }

protected:
  MsgLogger &Log() const { return logger_; }

private:
  struct Declared {
    TString name;
    bool given;
    std::function<void(const TString &)> set;
    std::function<TString()> shown;
  };
  static void assign(TString &to, const TString &text) { to = text; }
  static void assign(Bool_t &to, const TString &text) { to = text == "True" || text == "1"; }
  static TString shown(const TString &of) { return of; }
  static TString shown(Bool_t of) { return of ? "True" : "False"; }

  TString options_;
  std::vector<Declared> declared_;
  mutable MsgLogger logger_;
};

class Ranking;
class PDF;

class IMethod {
public:
  IMethod() {}
  virtual ~IMethod() {}
  virtual const char *GetName() const = 0;
  virtual Double_t GetMvaValue(Double_t *err = nullptr, Double_t *errUpper = nullptr) = 0;
  virtual void Train(void) = 0;
  virtual void ReadWeightsFromStream(std::istream &) = 0;
  virtual void WriteMonitoringHistosToFile(void) const = 0;
  virtual void MakeClass(const TString &classFileName = TString("")) const = 0;
  virtual const Ranking *CreateRanking() = 0;
  virtual void PrintHelpMessage() const = 0;
  virtual void Init() = 0;
  virtual void DeclareOptions() = 0;
  virtual void ProcessOptions() = 0;
  virtual Bool_t HasAnalysisType(Types::EAnalysisType type, UInt_t numberClasses, UInt_t numberTargets) = 0;

protected:
  virtual void MakeClassSpecific(std::ostream &, const TString &) const = 0;
  virtual void GetHelpMessage() const = 0;
};

class IPythonInteractive {
public:
  void Init(std::vector<TString> &titles) { size_ = titles.size(); }
  void AddPoint(Double_t x, Double_t y1, Double_t y2) { points.push_back({x, y1, y2}); }
  void AddPoint(std::vector<Double_t> &values) { points.push_back(values); }
  bool NotInitialized() { return size_ == 0; }
  std::vector<std::vector<Double_t>> points;

private:
  std::size_t size_ = 0;
};

class MethodBase : virtual public IMethod, public Configurable {
public:
  MethodBase(const TString &jobName, Types::EMVA methodType, const TString &methodTitle, DataSetInfo &dsi,
             const TString &theOption = "")
    : Configurable(theOption), info_(dsi), handler_(dsi), job_(jobName), name_(methodTitle), type_(methodType)
  {
    Log().SetSource(GetName());
  }
  MethodBase(Types::EMVA methodType, DataSetInfo &dsi, const TString &weightFile)
    : info_(dsi), handler_(dsi), name_("MethodBase"), file_(weightFile), type_(methodType)
  {
  }
  ~MethodBase() override { delete fInteractive; }

  void SetupMethod()
  {
    DeclareOptionRef(verbose_, "V");
    DeclareOptionRef(level_, "VerbosityLevel");
    DeclareOptionRef(transform_, "VarTransform");
    DeclareOptionRef(help_, "H");
    DeclareOptionRef(pdfs_, "CreateMVAPdfs");
    DeclareOptionRef(ignore_, "IgnoreNegWeightsInTraining");
    Init();
    DeclareOptions();
  }
  void ProcessSetup() { ProcessOptions(); }
  virtual void CheckSetup() {}
  void TrainMethod()
  {
    Data()->SetCurrentType(Types::kTraining);
    if (help_)
      PrintHelpMessage();
    if (transform_ == "N")
      handler_.Calculate(*Data());
    Train();
    if (!DoRegression() && !DoMulticlass())
      training_scores = GetMvaValues(0, Data()->GetNEvents(), true);
    WriteStateToFile();
    if (!DoRegression())
      MakeClass();
    if (directory_)
      WriteMonitoringHistosToFile();
  }
  virtual void Reset() { return; }
  Double_t GetMvaValue(Double_t *errLower = nullptr, Double_t *errUpper = nullptr) override = 0;
  Double_t GetMvaValue(const TMVA::Event *const event, Double_t *err = nullptr, Double_t *errUpper = nullptr)
  {
    fTmpEvent = event;
    const Double_t value = GetMvaValue(err, errUpper);
    fTmpEvent = nullptr;
    return value;
  }

protected:
  void NoErrorCalc(Double_t *const err, Double_t *const errUpper)
  {
    if (err)
      *err = -1;
    if (errUpper)
      *errUpper = -1;
  }
  virtual std::vector<Double_t> GetMvaValues(Long64_t firstEvt = 0, Long64_t lastEvt = -1, Bool_t logProgress = false) = 0;
#if TMVA_STANDIN_GENERATION >= 630
  virtual std::vector<Double_t> GetDataMvaValues(DataSet *data = nullptr, Long64_t firstEvt = 0, Long64_t lastEvt = -1,
                                                 Bool_t logProgress = false)
  {
    fTmpData = data;
    auto result = GetMvaValues(firstEvt, lastEvt, logProgress);
    fTmpData = nullptr;
    return result;
  }
#endif

public:
  const std::vector<Float_t> &GetRegressionValues(const TMVA::Event *const event)
  {
    fTmpEvent = event;
    const std::vector<Float_t> *values = &GetRegressionValues();
    fTmpEvent = nullptr;
    return *values;
  }
  virtual const std::vector<Float_t> &GetRegressionValues() { return nothing_; }
  virtual const std::vector<Float_t> &GetMulticlassValues() { return nothing_; }
  virtual const std::vector<Float_t> &GetTrainingHistory(const char *) { return nothing_; }
  virtual Double_t GetProba(const Event *) { return 0; }
  virtual Double_t GetProba(Double_t, Double_t) { return 0; }
  const Ranking *CreateRanking() override = 0;
  void MakeClass(const TString &classFileName = TString("")) const override;
  void PrintHelpMessage() const override { GetHelpMessage(); }
  void WriteStateToFile() const;
  void ReadStateFromFile();

protected:
  virtual void AddWeightsXMLTo(void *parent) const = 0;
  virtual void ReadWeightsFromXML(void *wghtnode) = 0;
  void ReadWeightsFromStream(std::istream &) override = 0;
  virtual void ReadWeightsFromStream(TFile &) {}

public:
  virtual void WriteEvaluationHistosToFile(Types::ETreeType) {}
  void WriteMonitoringHistosToFile() const override {}
  const TString &GetMethodName() const { return name_; }
  TString GetMethodTypeName() const { return name_of(type_); }
  Types::EMVA GetMethodType() const { return type_; }
  const char *GetName() const override { return name_.Data(); }
  UInt_t GetNvar() const { return DataInfo().GetNVariables(); }
  UInt_t GetNTargets() const { return DataInfo().GetNTargets(); }
  TDirectory *BaseDir() const { return directory_; }
  void SetBaseDir(TDirectory *directory) { directory_ = directory; }
  void SetWeightFileDir(const TString &folder) { file_ = folder + "/" + job_ + "_" + name_ + ".weights.xml"; }
  TString GetWeightFileName() const { return file_; }
  TransformationHandler &GetTransformationHandler(Bool_t = true) { return handler_; }
  const TransformationHandler &GetTransformationHandler(Bool_t = true) const { return handler_; }
  DataSet *Data() const { return fTmpData ? fTmpData : DataInfo().GetDataSet(); }
  DataSetInfo &DataInfo() const { return info_; }
  const Event *GetEvent() const { return handler_.Transform(fTmpEvent ? fTmpEvent : Data()->GetEvent()); }
  const Event *GetEvent(Long64_t i) const { return handler_.Transform(Data()->GetEvent(i)); }
  const Event *GetTrainingEvent(Long64_t i) const
  {
    Data()->SetCurrentType(Types::kTraining);
    return GetEvent(i);
  }
  Bool_t IgnoreEventsWithNegWeightsInTraining() const { return ignore_; }
  TrainingHistory fTrainHistory;
  virtual void SetAnalysisType(Types::EAnalysisType type) { fAnalysisType = type; }
  Types::EAnalysisType GetAnalysisType() const { return fAnalysisType; }
  Bool_t DoRegression() const { return fAnalysisType == Types::kRegression; }
  Bool_t DoMulticlass() const { return fAnalysisType == Types::kMulticlass; }
  void InitIPythonInteractive() { fInteractive = new IPythonInteractive(); }
  IPythonInteractive *Interactive() const { return fInteractive; }
  std::vector<Double_t> training_scores;

protected:
  mutable const Event *fTmpEvent = nullptr;
  DataSet *fTmpData = nullptr;
  IPythonInteractive *fInteractive = nullptr;
  void MakeClassSpecific(std::ostream &, const TString & = "") const override {}
  virtual void MakeClassSpecificHeader(std::ostream &, const TString & = "") const {}
  Types::EAnalysisType fAnalysisType = Types::kNoAnalysisType;

private:
  friend class Factory;
  DataSetInfo &info_;
  TransformationHandler handler_;
  TString job_, name_, file_;
  Types::EMVA type_;
  TDirectory *directory_ = nullptr;
  Bool_t verbose_ = false, help_ = false, pdfs_ = false, ignore_ = false;
  TString level_ = "Default", transform_ = "None";
  std::vector<Float_t> nothing_;
};

inline void MethodBase::WriteStateToFile() const
{
  TXMLEngine &engine = gTools().xmlengine();
  void *document = engine.NewDoc(), *root = engine.NewChild(nullptr, nullptr, "MethodSetup");
  engine.DocSetRootElement(document, root);
  engine.NewAttr(root, nullptr, "Method", GetMethodTypeName() + "::" + GetMethodName());
  void *general = engine.NewChild(root, nullptr, "GeneralInfo"), *kind = engine.NewChild(general, nullptr, "Info");
  engine.NewAttr(kind, nullptr, "name", "AnalysisType");
  engine.NewAttr(kind, nullptr, "value", DoRegression() ? "Regression" : DoMulticlass() ? "Multiclass" : "Classification");
  AddOptionsXMLTo(root);
  struct List {
    const char *tag, *item, *count, *index;
    const std::vector<TString> &names;
  };
  for (const List &list : {List{"Variables", "Variable", "NVar", "VarIndex", info_.variables},
                           List{"Classes", "Class", "NClass", "Index", info_.classes},
                           List{"Targets", "Target", "NTrgt", "TargetIndex", info_.targets}}) {
    if (list.names.empty() && list.count == TString("NTrgt"))
      continue;
    void *node = engine.NewChild(root, nullptr, list.tag);
    engine.NewAttr(node, nullptr, list.count, Form("%zu", list.names.size()));
    for (std::size_t i = 0; i < list.names.size(); ++i) {
      void *item = engine.NewChild(node, nullptr, list.item);
      engine.NewAttr(item, nullptr, list.index, Form("%zu", i));
      if (list.index == TString("Index")) {
        engine.NewAttr(item, nullptr, "Name", list.names[i]);
        continue;
      }
      for (const char *name : {"Expression", "Label", "Title", "Internal"})
        engine.NewAttr(item, nullptr, name, list.names[i]);
      engine.NewAttr(item, nullptr, "Unit", "");
      engine.NewAttr(item, nullptr, "Type", "F");
      engine.NewAttr(item, nullptr, "Min", "0");
      engine.NewAttr(item, nullptr, "Max", "1");
    }
  }
  handler_.AddXMLTo(root);
  engine.NewChild(root, nullptr, "MVAPdfs");
  AddWeightsXMLTo(root);
  engine.SaveDoc(document, file_);
  engine.FreeDoc(document);
}

inline void MethodBase::ReadStateFromFile()
{
  TXMLEngine &engine = gTools().xmlengine();
  void *document = engine.ParseFile(file_, 100000000);
  if (!document)
    throw std::runtime_error("no weight file");
  void *root = engine.DocGetRootElement(document);
  const TString full = engine.GetAttr(root, "Method");
  name_ = full(full.Index("::") + 2, full.Length());
  Log().SetSource(GetName());
  for (void *node = engine.GetChild(root); node; node = engine.GetNext(node)) {
    const TString tag = engine.GetNodeName(node);
    if (tag == "GeneralInfo")
      for (void *info = engine.GetChild(node); info; info = engine.GetNext(info)) {
        const TString value = engine.GetAttr(info, "value");
        if (TString(engine.GetAttr(info, "name")) == "AnalysisType")
          SetAnalysisType(value == "Regression"   ? Types::kRegression
                          : value == "Multiclass" ? Types::kMulticlass
                                                  : Types::kClassification);
      }
    else if (tag == "Options") {
      ReadOptionsFromXML(node);
      ParseOptions();
    } else if (tag == "Variables") {
      if (TString(engine.GetAttr(node, "NVar")).Atoi() != static_cast<Int_t>(info_.variables.size()))
        Log() << kFATAL << "another number of variables" << Endl;
    } else if (tag == "Classes" || tag == "Targets") {
      std::vector<TString> &names = tag == "Classes" ? info_.classes : info_.targets;
      if (names.empty())
        for (void *item = engine.GetChild(node); item; item = engine.GetNext(item))
          names.push_back(engine.GetAttr(item, tag == "Classes" ? "Name" : "Label"));
    } else if (tag == "Transformations")
      handler_.ReadFromXML(node);
    else if (tag == "Weights")
      ReadWeightsFromXML(node);
  }
  engine.FreeDoc(document);
}

inline void MethodBase::MakeClass(const TString &) const
{
  const TString name = "Read" + GetMethodName();
  TString path = file_;
  path.ReplaceAll(".weights.xml", ".class.C");
  std::ofstream out(path.Data());
  out << "#include <string>\n#include <vector>\n";
  MakeClassSpecificHeader(out, name);
  out << "class " << name << " {\npublic:\n  double GetMvaValue__( const std::vector<double>& v ) const;\n"
      << "  void Initialize();\n  void Clear();\n";
  MakeClassSpecific(out, name);
}

class ClassifierFactory {
public:
  typedef IMethod *(*Creator)(const TString &job, const TString &title, DataSetInfo &dsi, const TString &option);
  static ClassifierFactory &Instance()
  {
    static ClassifierFactory one;
    return one;
  }
  Bool_t Register(const std::string &name, Creator creator) { return creators_.emplace(name, creator).second; }
  Bool_t Unregister(const std::string &name) { return creators_.erase(name) == 1; }
  IMethod *Create(const std::string &name, const TString &job, const TString &title, DataSetInfo &dsi,
                  const TString &option)
  {
    return creators_.at(name)(job, title, dsi, option);
  }
  IMethod *Create(const std::string &name, DataSetInfo &dsi, const TString &weightfile = "")
  {
    return creators_.at(name)("", "", dsi, weightfile);
  }
  const std::vector<std::string> List() const
  {
    std::vector<std::string> names;
    for (const auto &one : creators_)
      names.push_back(one.first);
    return names;
  }

private:
  std::map<std::string, Creator> creators_;
};

class DataLoader {
public:
  DataLoader(TString name = "default") : info_(name) {}
  const char *GetName() const { return info_.GetName(); }
  void AddVariable(const TString &expression, char = 'F', Double_t = 0, Double_t = 0)
  {
    info_.variables.push_back(expression);
  }
  void AddTarget(const TString &expression) { info_.targets.push_back(expression); }
  void AddTrainingEvent(const TString &name, const std::vector<Double_t> &event, Double_t weight)
  {
    add(Types::kTraining, name, event, weight);
  }
  void AddTestEvent(const TString &name, const std::vector<Double_t> &event, Double_t weight)
  {
    add(Types::kTesting, name, event, weight);
  }
  void AddSignalTrainingEvent(const std::vector<Double_t> &event, Double_t weight = 1.0)
  {
    AddTrainingEvent("Signal", event, weight);
  }
  void AddBackgroundTrainingEvent(const std::vector<Double_t> &event, Double_t weight = 1.0)
  {
    AddTrainingEvent("Background", event, weight);
  }
  void AddSignalTestEvent(const std::vector<Double_t> &event, Double_t weight = 1.0)
  {
    AddTestEvent("Signal", event, weight);
  }
  void AddBackgroundTestEvent(const std::vector<Double_t> &event, Double_t weight = 1.0)
  {
    AddTestEvent("Background", event, weight);
  }
  void PrepareTrainingAndTestTree(const TCut &, const TString &) {}
  DataSetInfo &DefaultDataSetInfo() { return info_; }

private:
  // The values of an event are its variables, then its targets.
  void add(Types::ETreeType type, const TString &name, const std::vector<Double_t> &event, Double_t weight)
  {
    UInt_t number = 0;
    while (number < info_.classes.size() && info_.classes[number] != name)
      ++number;
    if (number == info_.classes.size())
      info_.classes.push_back(name);
    const auto middle = event.begin() + info_.GetNVariables();
    info_.GetDataSet()->Add(type, Event({event.begin(), middle}, {middle, event.end()}, number, weight));
  }

  DataSetInfo info_;
};

class Factory {
public:
  Factory(TString job, TFile *file, TString options) : job_(job), file_(file)
  {
    type_ = options.Contains("AnalysisType=Regression")   ? Types::kRegression
            : options.Contains("AnalysisType=Multiclass") ? Types::kMulticlass
                                                          : Types::kClassification;
  }
  Factory(TString job, TString options = "") : Factory(job, nullptr, options) {}
  MethodBase *BookMethod(DataLoader *loader, TString methodName, TString title, TString options = "")
  {
    DataSetInfo &info = loader->DefaultDataSetInfo();
    auto *method = dynamic_cast<MethodBase *>(
      ClassifierFactory::Instance().Create(methodName.Data(), job_, title, info, options));
    if (!method->HasAnalysisType(type_, info.GetNClasses(), info.GetNTargets()))
      return nullptr;
    const TString folder = TString(loader->GetName()) + "/weights";
    gSystem->mkdir(folder, true);
    method->SetWeightFileDir(folder);
    method->SetAnalysisType(type_);
    method->SetupMethod();
    method->ParseOptions();
    method->ProcessSetup();
    method->SetBaseDir(file_);
    method->CheckSetup();
    methods_.emplace_back(method);
    return method;
  }
  MethodBase *GetMethod(std::size_t i) { return methods_.at(i).get(); }
  // As the real one, it goes on with methods that are read from the files.
  void TrainAllMethods()
  {
    for (auto &method : methods_) {
      method->TrainMethod();
      const auto history = method->fTrainHistory;
      auto read = std::unique_ptr<MethodBase>(dynamic_cast<MethodBase *>(ClassifierFactory::Instance().Create(
        name_of(method->GetMethodType()).Data(), method->DataInfo(), method->GetWeightFileName())));
      read->training_scores = method->training_scores;
      method = std::move(read);
      method->SetAnalysisType(type_);
      method->SetupMethod();
      method->ReadStateFromFile();
      method->fTrainHistory = history;
    }
  }
  void TestAllMethods()
  {
    for (auto &method : methods_) {
      method->Data()->SetCurrentType(Types::kTesting);
      if (type_ == Types::kClassification)
        test_scores.push_back(method->GetMvaValues(0, method->Data()->GetNEvents(), true));
    }
  }
  void EvaluateAllMethods() {}
  // Each method in a process of its own, as TMVA's CrossValidation trains folds.
  Int_t TrainInProcesses()
  {
    Int_t failures = 0;
    for (auto &method : methods_) {
      const pid_t child = fork();
      if (child == 0) {
        Int_t code = 0;
        try {
          method->TrainMethod();
        } catch (const std::exception &error) {
          std::cout << error.what() << std::endl;
          code = 1;
        }
        std::cout << std::flush;
        _exit(code);
      }
      Int_t status = 0;
      waitpid(child, &status, 0);
      failures += status != 0;
    }
    return failures;
  }
  Double_t GetROCIntegral(DataLoader *loader, TString title)
  {
    for (std::size_t n = 0; n < methods_.size(); ++n)
      if (methods_[n]->GetMethodName() == title) {
        const DataSet &data = *loader->DefaultDataSetInfo().GetDataSet();
        data.SetCurrentType(Types::kTesting);
        Double_t above = 0, pairs = 0;
        for (Long64_t i = 0; i < data.GetNEvents(); ++i)
          for (Long64_t j = 0; j < data.GetNEvents(); ++j)
            if (data.GetEvent(i)->GetClass() == 0 && data.GetEvent(j)->GetClass() == 1) {
              above += test_scores[n][static_cast<std::size_t>(i)] > test_scores[n][static_cast<std::size_t>(j)];
              ++pairs;
            }
        return above / pairs;
      }
    return 0;
  }
  std::vector<std::vector<Double_t>> test_scores;

private:
  TString job_;
  TFile *file_;
  Types::EAnalysisType type_;
  std::vector<std::unique_ptr<MethodBase>> methods_;
};

class Reader {
public:
  Reader(const TString & = "") : info_("reader") {}
  void AddVariable(const TString &expression, Float_t *place)
  {
    info_.variables.push_back(expression);
    places_.push_back(place);
  }
  IMethod *BookMVA(const TString &tag, const TString &file)
  {
    TXMLEngine &engine = gTools().xmlengine();
    void *document = engine.ParseFile(file, 100000000);
    if (!document)
      throw std::runtime_error("no weight file");
    const TString full = engine.GetAttr(engine.DocGetRootElement(document), "Method");
    engine.FreeDoc(document);
    const TString kind = full(0, full.Index("::"));
    methods_[tag].reset(dynamic_cast<MethodBase *>(ClassifierFactory::Instance().Create(kind.Data(), info_, file)));
    methods_[tag]->SetupMethod();
    methods_[tag]->ReadStateFromFile();
    methods_[tag]->CheckSetup();
    return methods_[tag].get();
  }
  Double_t EvaluateMVA(const TString &tag, Double_t = 0)
  {
    const Event event = current();
    const std::unique_ptr<MethodBase> &method = methods_.at(tag);
    for (const Float_t value : method->GetTransformationHandler().Transform(&event)->GetValues())
      if (std::isnan(value))
        return -999;
    return method->GetMvaValue(&event);
  }
  const std::vector<Float_t> &EvaluateRegression(const TString &tag, Double_t = 0)
  {
    const Event event = current();
    return methods_.at(tag)->GetRegressionValues(&event);
  }
  const std::vector<Float_t> &EvaluateMulticlass(const TString &tag, Double_t = 0)
  {
    info_.GetDataSet()->SetCurrentType(Types::kTesting);
    info_.GetDataSet()->Add(Types::kTesting, current());
    info_.GetDataSet()->SetCurrentEvent(info_.GetDataSet()->GetNEvents() - 1);
    return methods_.at(tag)->GetMulticlassValues();
  }

private:
  Event current() const
  {
    std::vector<Float_t> values;
    for (const Float_t *place : places_)
      values.push_back(*place);
    return Event(values, {}, 0, 1);
  }

  DataSetInfo info_;
  std::vector<Float_t *> places_;
  std::map<TString, std::unique_ptr<MethodBase>> methods_;
};

} // namespace TMVA

#endif
