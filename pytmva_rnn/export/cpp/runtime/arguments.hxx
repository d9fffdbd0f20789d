// ---- Arguments of a call -> the variables of one event.

template <class A>
inline std::size_t size_of(const A& a)
{
  if constexpr (std::is_arithmetic<A>::value)
    return 1;
  else
    return a.size();
}

template <class A>
inline float element(const A& a, std::size_t i)
{
  if constexpr (std::is_arithmetic<A>::value)
    return static_cast<float>(a);
  else
    return static_cast<float>(a[i]);
}

template <class... A>
constexpr bool scalars = (std::is_arithmetic<A>::value && ...);

[[noreturn]] inline void refuse(const char* model, const char* what, std::size_t which, std::size_t size,
                                std::size_t wanted)
{
  throw std::invalid_argument(std::string(model) + ": " + what + " " + std::to_string(which) + " has " +
                              std::to_string(size) + " elements; " + std::to_string(wanted) + " are needed");
}

// One argument after the other, each with its own number of elements.
template <class Data, class... A>
inline void concatenate(float* x, const std::size_t* widths, const A&... arguments)
{
  std::size_t place = 0, which = 0;
  const auto append = [&](const auto& a) {
    const std::size_t size = size_of(a);
    if (size != widths[which])
      refuse(Data::name, "argument", which, size, widths[which]);
    for (std::size_t i = 0; i < size; ++i)
      x[place + i] = element(a, i);
    place += size;
    ++which;
  };
  (append(arguments), ...);
}

// Whether an element goes before another one that stands earlier; NaN goes first, as in training.
template <bool Descending>
inline bool before(double key, double other)
{
  if (key != key || other != other)
    return other == other;
  return Descending ? key > other : key < other;
}

// The elements of an event that come first, T at most.
template <std::size_t T, bool Descending, class Key>
inline void choose(const Key& key, std::size_t n, std::size_t* chosen)
{
  double keys[T];
  std::size_t count = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double k = static_cast<double>(key[i]);
    std::size_t place = count;
    while (place > 0 && before<Descending>(k, keys[place - 1]))
      --place;
    if (place == T)
      continue;
    count = count < T ? count + 1 : T;
    for (std::size_t j = count - 1; j > place; --j) {
      keys[j] = keys[j - 1];
      chosen[j] = chosen[j - 1];
    }
    keys[place] = k;
    chosen[place] = i;
  }
}

template <std::size_t Number, class A, class... Others>
inline const auto& argument(const A& first, const Others&... others)
{
  if constexpr (Number == 0)
    return first;
  else
    return argument<Number - 1>(others...);
}

// One argument for each input of a step, sorted, cut and padded as in training. A number counts for every element.
template <class Data, class... A>
inline void sequence(float* x, const A&... arguments)
{
  static_assert(!scalars<A...>, "one of the inputs of a sequence must be a container");
  constexpr std::size_t T = Data::steps, D = Data::inputs;
  std::size_t n = static_cast<std::size_t>(-1), which = 0;
  const auto measure = [&](const auto& a) {
    if constexpr (!std::is_arithmetic<std::decay_t<decltype(a)>>::value) {
      if (n == static_cast<std::size_t>(-1))
        n = a.size();
      else if (a.size() != n)
        refuse(Data::name, "sequence", which, a.size(), n);
    }
    ++which;
  };
  (measure(arguments), ...);
  const std::size_t taken = n < T ? n : T;
  std::size_t chosen[T];
  if constexpr (Data::sorted) {
    choose<T, Data::descending>(argument<Data::sort_argument>(arguments...), n, chosen);
  } else {
    for (std::size_t t = 0; t < taken; ++t)
      chosen[t] = t;
  }
  const std::size_t first = Data::pad_at_end ? 0 : T - taken;
  for (std::size_t i = 0; i < T * D; ++i)
    x[i] = Data::pad_value;
  std::size_t d = 0;
  const auto fill = [&](const auto& a) {
    if (d < D)
      for (std::size_t t = 0; t < taken; ++t)
        x[(first + t) * D + d] = element(a, chosen[t]);
    ++d;
  };
  (fill(arguments), ...);
}

// One container of exactly T elements for each input of a step.
template <class Data, class... A>
inline void transpose(float* x, const A&... arguments)
{
  std::size_t d = 0;
  const auto fill = [&](const auto& a) {
    if (size_of(a) != Data::steps)
      refuse(Data::name, "sequence", d, size_of(a), Data::steps);
    for (std::size_t t = 0; t < Data::steps; ++t)
      x[t * Data::inputs + d] = element(a, t);
    ++d;
  };
  (fill(arguments), ...);
}

template <class Data, class... A>
inline void gather(float* x, const A&... arguments)
{
  constexpr std::size_t given = sizeof...(A), T = Data::steps, D = Data::inputs;
  if constexpr (scalars<A...> && given == T * D) {
    const float values[] = {static_cast<float>(arguments)...};
    std::memcpy(x, values, sizeof values);
  } else if constexpr (Data::sequence && given == D + Data::sort_keys) {
    sequence<Data>(x, arguments...);
  } else if constexpr (given == 1) {
    constexpr std::size_t whole[] = {T * D};
    concatenate<Data>(x, whole, arguments...);
  } else if constexpr (!Data::sequence && given == Data::columns) {
    concatenate<Data>(x, Data::widths, arguments...);
  } else if constexpr (!Data::sequence && T > 1 && given == D) {
    transpose<Data>(x, arguments...);
  } else {
    static_assert(given == 1, "give all variables in one container, or as many arguments as the model has inputs");
  }
}
