// ---- A network with its variables. Objects have no state: threads may share one.

enum class Analysis { Classification, Regression, Multiclass };

// A variable's or spectator's expression; for an element of an array variable the element's name too.
struct Name {
  const char* expression;
  const char* element;
};

// Whether a call has one argument, a pointer or an array.
template <class... A>
constexpr bool is_pointer = sizeof...(A) == 1 && ((std::is_pointer<A>::value || std::is_array<A>::value) && ...);

template <class Data>
class Model {
public:
  static constexpr std::size_t variables = Data::steps * Data::inputs;  // of one event, time-major
  static constexpr std::size_t steps = Data::steps, inputs = Data::inputs, outputs = Data::outputs;
  static constexpr const char* title = Data::title;
  static constexpr Analysis analysis = Data::analysis;
  using Output = std::conditional_t<outputs == 1, float, std::array<float, outputs>>;

  // The scores of one event from its variables; -999 for a classifier's NaN.
  Output operator()(const float* x) const
  {
    float scores[outputs];
    score(x, scores);
    if constexpr (outputs == 1) {
      return scores[0];
    } else {
      Output result{};
      std::copy(scores, scores + outputs, result.begin());
      return result;
    }
  }

  // The same from numbers and containers (std::vector, std::array, ROOT::RVec ...):
  // - one container with all variables, or all variables as numbers;
  // - a container for each input of a sequence, with any number of elements: sorted, cut and padded as in training
  //   (and one more for the values to sort by, where they are none of the inputs);
  // - or an argument for each column: a number, or a container for an array variable.
  // Throws std::invalid_argument for a container of a wrong size.
  template <class... A>
  std::enable_if_t<!is_pointer<A...>, Output> operator()(const A&... arguments) const
  {
    float x[variables];
    gather<Data>(x, arguments...);
    return (*this)(static_cast<const float*>(x));
  }

  // n events of `variables` floats each -> n times `outputs` scores
  void evaluate(const float* x, std::size_t n, float* out) const
  {
    for (std::size_t i = 0; i < n; ++i)
      score(x + i * variables, out + i * outputs);
  }

private:
  static void score(const float* x, float* out)
  {
    float transformed[variables];
    if constexpr (Data::transforms) {
      double values[variables];
      std::copy(x, x + variables, values);
      Data::transform(values);
      for (std::size_t i = 0; i < variables; ++i)
        transformed[i] = static_cast<float>(values[i]);
      x = transformed;
    }
    if (any_nan(x, variables)) {
      std::fill(out, out + outputs, analysis == Analysis::Classification ? -999.0f : NAN);
      return;
    }
    Data::network(x, out);
    finish(Data::output_function, out, outputs);
    if constexpr (Data::transforms_targets) {
      double values[outputs];
      std::copy(out, out + outputs, values);
      Data::transform_back(values);
      for (std::size_t i = 0; i < outputs; ++i)
        out[i] = static_cast<float>(values[i]);
    }
    if constexpr (analysis == Analysis::Classification)
      for (std::size_t i = 0; i < outputs; ++i)
        if (is_nan(out[i]))
          out[i] = -999.0f;
  }
};
