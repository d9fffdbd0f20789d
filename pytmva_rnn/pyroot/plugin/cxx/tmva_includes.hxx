#if __cplusplus < 201703L
#error "pytmva_rnn needs C++17: a ROOT that was built with it"
#endif
#if !__has_include("TMVA/MethodBase.h")
#error "this ROOT has no TMVA"
#endif

#include "RVersion.h"
#include "TDirectory.h"
#include "TGraph.h"
#include "TMVA/ClassifierFactory.h"
#include "TMVA/DataSet.h"
#include "TMVA/DataSetInfo.h"
#include "TMVA/Event.h"
#include "TMVA/MethodBase.h"
#include "TMVA/MsgLogger.h"
#include "TMVA/Timer.h"
#include "TMVA/Tools.h"
#include "TMVA/TrainingHistory.h"
#include "TMVA/TransformationHandler.h"
#include "TMVA/Types.h"
#include "TString.h"
#include "TXMLEngine.h"

// TMVA::Types is a class with one object up to ROOT 6.40. Where it is a namespace, define this as 0.
#ifndef PYTMVA_RNN_TYPES_IS_CLASS
#define PYTMVA_RNN_TYPES_IS_CLASS 1
#endif
