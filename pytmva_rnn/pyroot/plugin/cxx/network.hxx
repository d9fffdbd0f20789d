// ---- A network that is read from a file, for the CPU that it runs on.

struct Machine {
  const char* name;
  const float* (*run)(const Layer*, std::size_t, const float*, const float*, std::size_t, float*, std::size_t);
};

#if defined(PYTMVA_RNN_CHOOSES)
// The registers that the system keeps for a program. By hand: what compilers have for it is in a library that ROOT's
// interpreter does not see.
struct Registers {
  bool avx2 = false, avx512 = false;

  Registers()
  {
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
      return;
    const bool fma = (c & bit_FMA) != 0;
    unsigned kept = 0, high = 0;
    __asm__("xgetbv" : "=a"(kept), "=d"(high) : "c"(0));
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
      return;
    constexpr unsigned ymm = 0x6, zmm = 0xe6;
    avx2 = fma && (kept & ymm) == ymm && (b & bit_AVX2);
    avx512 = avx2 && (kept & zmm) == zmm && (b & bit_AVX512F);
  }
};
#endif

// What this CPU can do, the best first.
inline std::vector<Machine> machines()
{
  std::vector<Machine> able;
#if defined(PYTMVA_RNN_CHOOSES)
  const Registers registers;
  if (registers.avx512)
    able.push_back({"avx512", avx512::run});
  if (registers.avx2)
    able.push_back({"avx2", avx2::run});
#endif
  able.push_back({"any", any::run});
  return able;
}

enum class Analysis { Classification, Regression, Multiclass };  // in the order of TMVA's numbers

// Rows of weights begin where registers are loaded at once.
struct alignas(64) Line {
  float values[16];
};

// Without TMVA's transformations, which are the caller's. Objects do not change as they score.
class Network {
public:
  std::size_t variables = 0, outputs = 0;
  Analysis analysis = Analysis::Classification;
  char output_function = 'I';
  std::vector<Layer> layers;
  std::vector<Line> memory;  // all arrays
  Machine machine = machines().front();

  void add(const Layer& layer)
  {
    layers.push_back(layer);
    widest_ = std::max(widest_, any::padded(layer.outputs) + 16);
    if (layer.kind <= Kind::Gru)
      scratch_ = std::max(scratch_, any::any_scratch(layer.H));
  }

  float* array(std::size_t place) { return reinterpret_cast<float*>(memory.data()) + place; }

  // What `score` may overwrite.
  std::vector<Line> work() const { return std::vector<Line>((2 * widest_ + scratch_) / 16 + 1); }

  // The scores of one event. A NaN among the variables or of a classifier's output is -999, as TMVA has it.
  void score(const float* x, float* out, std::vector<Line>& work) const
  {
    const bool classifies = analysis == Analysis::Classification;
    const float* y = machine.run(layers.data(), layers.size(), reinterpret_cast<const float*>(memory.data()), x,
                                 variables, reinterpret_cast<float*>(work.data()), widest_);
    if (!y) {
      std::fill(out, out + outputs, classifies ? -999.0f : NAN);
      return;
    }
    std::copy(y, y + outputs, out);
    finish(output_function, out, outputs);
    if (classifies && is_nan(out[0]))
      out[0] = -999.0f;
  }

private:
  std::size_t widest_ = 16, scratch_ = 0;  // floats that a layer's output, and what it computes with, may take
};

#if defined(__CLING__)
// ROOT's interpreter compiles what is used when it is used, and optimises as asked above what this text itself uses.
static const auto compiled_at_once = std::make_pair(machines(), &Network::score);
#endif
