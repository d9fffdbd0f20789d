// ---- Vectors of floats, as wide as the CPU that is compiled for; single floats for other compilers.

#if defined(__GNUC__)
typedef float Vector __attribute__((vector_size(4 * PYTMVA_RNN_LANES)));
typedef std::int32_t Bits __attribute__((vector_size(4 * PYTMVA_RNN_LANES)));
#else
using Vector = float;
using Bits = std::int32_t;
#endif
constexpr std::size_t lanes = PYTMVA_RNN_LANES;

// a b + c; whether it is rounded once or twice is the compiler's choice.
PYTMVA_RNN_INLINE Vector madd(Vector a, Vector b, Vector c) { return a * b + c; }
