#include "TMVA/standin.h"
