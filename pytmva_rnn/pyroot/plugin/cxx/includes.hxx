#if defined(__CLING__)
#pragma cling optimize(3)
#endif

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <list>
#include <locale.h>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>
#if defined(__APPLE__)
#include <xlocale.h>
#endif

// Where one program may meet CPUs with wider and narrower registers, it is compiled for all of them and chooses as it
// runs.
#if defined(__GNUC__) && defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#define PYTMVA_RNN_CHOOSES
#endif

#ifndef PYTMVA_RNN_INLINE
#if defined(__GNUC__)
#define PYTMVA_RNN_INLINE inline __attribute__((always_inline))
#else
#define PYTMVA_RNN_INLINE inline
#endif
#endif
