#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

// Floats in a vector register of the CPU that is compiled for. Code for one CPU does not get mixed up with code for
// another in one program: its namespace differs.
#ifndef PYTMVA_RNN_LANES
#if defined(__GNUC__) && defined(__AVX512F__)
#define PYTMVA_RNN_LANES 16
#define PYTMVA_RNN_ABI lanes16
#elif defined(__GNUC__) && defined(__AVX__)
#define PYTMVA_RNN_LANES 8
#define PYTMVA_RNN_ABI lanes8
#elif defined(__GNUC__)
#define PYTMVA_RNN_LANES 4
#define PYTMVA_RNN_ABI lanes4
#else
#define PYTMVA_RNN_LANES 1
#define PYTMVA_RNN_ABI lanes1
#endif
#if defined(__GNUC__)
#define PYTMVA_RNN_INLINE inline __attribute__((always_inline))
#else
#define PYTMVA_RNN_INLINE inline
#endif
#endif
