// ---- The <Weights> node of a weight file -> Network. The node comes from any XML parser.

struct Node {
  std::string name;
  std::vector<std::pair<std::string, std::string>> attributes;
  std::string text;
  std::vector<Node> children;
};

// The number at the start of a text, as C's strtod reads it, but in no language: 1.5 is that wherever the program runs.
inline double number_at(const char* text, char** end)
{
#if defined(_WIN32)
  static const _locale_t plain = _create_locale(LC_ALL, "C");
  return _strtod_l(text, end, plain);
#else
  static const locale_t plain = newlocale(LC_ALL_MASK, "C", static_cast<locale_t>(nullptr));
  return strtod_l(text, end, plain);
#endif
}

constexpr std::size_t largest = 1'000'000'000;  // of whole numbers, and of the sizes of what passes between layers

// A node and what may be asked of it; every question that fails says where.
class Asked {
public:
  Asked(const Node& node, std::string place) : node_(node), place_(std::move(place)) {}

  const std::string& name() const { return node_.name; }

  [[noreturn]] void fail(const std::string& problem) const
  {
    throw std::runtime_error("<" + node_.name + ">" + place_ + ": " + problem);
  }

  const std::string* find(const std::string& name) const
  {
    for (const auto& attribute : node_.attributes)
      if (attribute.first == name)
        return &attribute.second;
    return nullptr;
  }

  const std::string& attribute(const std::string& name) const
  {
    const std::string* found = find(name);
    if (!found)
      fail("expected an attribute " + name);
    return *found;
  }

  std::size_t integer(const std::string& name, long long minimum = 0) const
  {
    const std::string& text = attribute(name);
    char* end = nullptr;
    const long long value = std::strtoll(text.c_str(), &end, 10);
    if (end == text.c_str() || *end || value < minimum || static_cast<std::size_t>(value) > largest)
      fail(name + ": expected a whole number from " + std::to_string(minimum) + " to " + std::to_string(largest) +
           ", found " + text);
    return static_cast<std::size_t>(value);
  }

  bool flag(const std::string& name) const { return integer(name) != 0; }

  double number(const std::string& name) const
  {
    const std::string& text = attribute(name);
    char* end = nullptr;
    const double value = number_at(text.c_str(), &end);
    if (end == text.c_str() || *end || !std::isfinite(value))
      fail(name + ": expected a finite number, found " + text);
    return value;
  }

  // rows x columns finite numbers of the child `tag`
  std::vector<double> matrix(const std::string& tag, std::size_t rows, std::size_t columns) const
  {
    const Node* found = nullptr;
    for (const Node& child : node_.children)
      if (child.name == tag) {
        if (found)
          fail("expected one <" + tag + ">, found several");
        found = &child;
      }
    if (!found)
      fail("expected a node <" + tag + "> in it");
    const Asked asked(*found, place_);
    for (const auto& [name, size] : {std::make_pair("Rows", rows), std::make_pair("Columns", columns)})
      if (asked.integer(name) != size)
        asked.fail(std::string(name) + ": expected " + std::to_string(size) + " to fit <" + node_.name +
                   "> and its input, found " + asked.attribute(name));
    return asked.numbers(rows * columns);
  }

private:
  std::vector<double> numbers(std::size_t count) const
  {
    constexpr const char* blanks = " \t\r\n";
    std::vector<double> values;
    values.reserve(std::min(count, node_.text.size() / 2 + 1));  // sizes may say anything
    const char* at = node_.text.c_str();
    for (at += std::strspn(at, blanks); *at; at += std::strspn(at, blanks)) {
      char* end = nullptr;
      const double value = number_at(at, &end);
      if (end == at || (*end && !std::strchr(blanks, *end)) || !std::isfinite(static_cast<float>(value)))
        fail("expected finite float32 numbers, found " + std::string(at, std::min<std::size_t>(std::strlen(at), 20)) +
             " as number " + std::to_string(values.size()));
      values.push_back(value);
      at = end;
    }
    if (values.size() != count)
      fail("expected " + std::to_string(count) + " numbers, found " + std::to_string(values.size()));
    return values;
  }

  const Node& node_;
  std::string place_;
};

// The arrays of one layer, laid out as the layers' functions read them. Memory grows when all numbers are there.
class Arrays {
public:
  Arrays(const Asked& node, const std::vector<Matrix>& format, Network& network)
    : node_(node), format_(format), network_(network)
  {
  }

  // Matrices (units, inputs) of the gates, side by side and transposed: a padded row for each input.
  std::size_t columns(const std::string& kind, const std::string& gates, std::size_t units, std::size_t inputs)
  {
    const std::vector<std::vector<double>> matrices = of_gates(kind, gates, units, inputs);
    const std::size_t stride = any::padded(gates.size() * units), place = grown(inputs * stride);
    for (std::size_t g = 0; g < gates.size(); ++g)
      for (std::size_t u = 0; u < units; ++u)
        for (std::size_t k = 0; k < inputs; ++k)
          *network_.array(place + k * stride + g * units + u) = static_cast<float>(matrices[g][u * inputs + k]);
    return place;
  }

  // A padded row for each unit.
  std::size_t rows(const std::string& kind, std::size_t units, std::size_t inputs)
  {
    const std::vector<double> matrix = values(kind, units, inputs);
    const std::size_t stride = any::padded(inputs), place = grown(units * stride);
    for (std::size_t u = 0; u < units; ++u)
      for (std::size_t k = 0; k < inputs; ++k)
        *network_.array(place + u * stride + k) = static_cast<float>(matrix[u * inputs + k]);
    return place;
  }

  std::size_t biases(const std::string& gates, std::size_t units)
  {
    const std::vector<std::vector<double>> all = of_gates("b", gates, units, 1);
    const std::size_t place = grown(any::padded(gates.size() * units));
    for (std::size_t g = 0; g < gates.size(); ++g)
      for (std::size_t u = 0; u < units; ++u)
        *network_.array(place + g * units + u) = static_cast<float>(all[g][u]);
    return place;
  }

  std::size_t stored(const std::vector<double>& row)
  {
    const std::size_t place = grown(any::padded(row.size()));
    for (std::size_t k = 0; k < row.size(); ++k)
      *network_.array(place + k) = static_cast<float>(row[k]);
    return place;
  }

  std::vector<double> values(const std::string& array, std::size_t rows, std::size_t columns) const
  {
    for (const Matrix& matrix : format_)
      if (array == matrix.array)
        return node_.matrix(matrix.tag, rows, columns);
    throw std::logic_error("no matrix holds " + array);
  }

private:
  std::vector<std::vector<double>> of_gates(const std::string& kind, const std::string& gates, std::size_t rows,
                                            std::size_t columns) const
  {
    std::vector<std::vector<double>> all;
    for (const char gate : gates)
      all.push_back(values(named(kind, gate), rows, columns));
    return all;
  }

  static std::string named(const std::string& kind, char gate)
  {
    return gate == '-' ? kind : kind + "_" + std::string(1, gate);
  }

  std::size_t grown(std::size_t count)
  {
    const std::size_t place = network_.memory.size() * 16;
    network_.memory.resize((place + count) / 16, Line{});  // `count` is a multiple of 16
    return place;
  }

  const Asked& node_;
  const std::vector<Matrix>& format_;
  Network& network_;
};

struct Shape {
  std::size_t depth, height, width;
  std::size_t size() const { return depth * height * width; }
};

inline std::string text_of(const Shape& s)
{
  return "depth " + std::to_string(s.depth) + ", height " + std::to_string(s.height) + ", width " +
         std::to_string(s.width);
}

inline Shape shape_of(const Asked& node, const std::string& prefix, long long minimum)
{
  const Shape shape{node.integer(prefix + "Depth", minimum), node.integer(prefix + "Height", minimum),
                    node.integer(prefix + "Width", minimum)};
  if (shape.depth * shape.height > largest || shape.size() > largest)
    node.fail("expected sizes whose product is at most " + std::to_string(largest) + ", found " + text_of(shape));
  return shape;
}

inline Shape read_recurrent(const Asked& node, Arrays& arrays, const std::string& gates, Shape shape, Network& network)
{
  Layer layer;
  layer.H = node.integer("StateSize", 1);
  layer.D = node.integer("InputSize", 1);
  layer.T = node.integer("TimeSteps", 1);
  // Before ROOT 6.22 the attribute did not exist, and a simple layer always returned the sequence.
  layer.sequence = (gates == "-" && !node.find("ReturnSequence")) || node.flag("ReturnSequence");
  if (node.find("CellSize") && node.integer("CellSize") != layer.H)
    node.fail("CellSize: expected the StateSize " + std::to_string(layer.H) + ", found " + node.attribute("CellSize"));
  if (node.flag("RememberState"))
    node.fail("RememberState: its scores depend on the events before, and on their order; expected 0, found " +
              node.attribute("RememberState"));
  if (shape.width != layer.D || shape.depth * shape.height != layer.T ||
      (shape.depth != layer.T && shape.height != layer.T))
    node.fail("expected " + std::to_string(layer.T) + " time steps (depth or height) of " + std::to_string(layer.D) +
              " inputs (width), found an input of " + text_of(shape));
  layer.kind = gates == "ifco" ? Kind::Lstm : gates == "rzc" ? Kind::Gru : Kind::Rnn;
  layer.reset_after = node.find("ResetGateAfter") && node.flag("ResetGateAfter");
  layer.W = arrays.columns("W", gates, layer.H, layer.D);
  if (layer.kind == Kind::Gru) {
    layer.U = arrays.columns("U", gates.substr(0, 2), layer.H, layer.H);
    layer.Uc = arrays.columns("U", gates.substr(2), layer.H, layer.H);
  } else {
    layer.U = arrays.columns("U", gates, layer.H, layer.H);
  }
  layer.b = arrays.biases(gates, layer.H);
  const Shape made{1, layer.sequence ? layer.T : 1, layer.H};
  layer.outputs = made.size();
  network.add(layer);
  return made;
}

inline Shape read_dense(const Asked& node, Arrays& arrays, Shape shape, Network& network)
{
  Layer layer;
  layer.D = shape.width;
  layer.H = layer.outputs = node.integer("Width", 1);
  const std::size_t activation = node.integer("ActivationFunction");
  if (activation >= activations)
    node.fail("ActivationFunction: expected 0 to " + std::to_string(activations - 1) + ", found " +
              node.attribute("ActivationFunction"));
  if (shape.depth != 1 || shape.height != 1)
    node.fail("expected an input of depth 1, height 1, found " + text_of(shape));
  layer.activation = static_cast<int>(activation);
  const bool narrow = layer.H <= narrow_layers;
  layer.kind = narrow ? Kind::DenseNarrow : Kind::Dense;
  layer.W = narrow ? arrays.rows("W", layer.H, layer.D) : arrays.columns("W", "-", layer.H, layer.D);
  layer.b = arrays.biases("-", layer.H);
  network.add(layer);
  return {1, 1, layer.H};
}

inline Shape read_batch_norm(const Asked& node, Arrays& arrays, Shape shape, Network& network)
{
  Layer layer;
  layer.kind = Kind::BatchNorm;
  layer.D = layer.H = layer.outputs = shape.size();
  node.number("Momentum");
  const double epsilon = node.number("Epsilon");
  if (shape.depth != 1 || shape.height != 1)
    node.fail("expected an input of depth 1, height 1, found " + text_of(shape));
  const std::vector<double> variance = arrays.values("variance", 1, layer.D);
  std::vector<double> scale = arrays.values("gamma", 1, layer.D);
  for (std::size_t k = 0; k < layer.D; ++k)
    scale[k] /= std::sqrt(variance[k] + epsilon);
  layer.W = arrays.stored(arrays.values("mu", 1, layer.D));
  layer.U = arrays.stored(scale);
  layer.b = arrays.stored(arrays.values("beta", 1, layer.D));
  network.add(layer);
  return shape;
}

// One that gives another shape to what lies in memory leaves nothing to run.
inline Shape read_reshape(const Asked& node, Shape shape)
{
  const Shape made = shape_of(node, "", 1);
  if (made.size() != shape.size())
    node.fail("expected " + std::to_string(made.size()) + " values (Depth, Height, Width), found an input of " +
              text_of(shape));
  return node.flag("Flattening") ? Shape{1, 1, shape.size()} : made;
}

inline Shape read_layer(const Asked& node, Shape shape, Network& network)
{
  const auto format = formats().find(node.name());
  if (format == formats().end()) {
    std::string known;
    for (const auto& each : formats())
      known += (known.empty() ? "" : ", ") + each.first;
    node.fail("expected one of " + known + "; pytmva_rnn has no other layers");
  }
  Arrays arrays(node, format->second.matrices, network);
  const std::string kind = format->second.kind;
  if (kind == "DENSE")
    return read_dense(node, arrays, shape, network);
  if (kind == "BNORM")
    return read_batch_norm(node, arrays, shape, network);
  if (kind == "RESHAPE")
    return read_reshape(node, shape);
  if (kind != "RNN" && kind != "LSTM" && kind != "GRU")
    node.fail("the plugin cannot run this layer");
  return read_recurrent(node, arrays, format->second.gates, shape, network);
}

// `outputs` are the targets of a regression or the classes of a multiclass classification, else 1. Throws
// std::runtime_error with the place and what would be right.
inline Network read_network(const Node& weights, std::size_t variables, std::size_t outputs, Analysis analysis)
{
  const Asked node(weights, "");
  Network network;
  network.variables = variables;
  network.outputs = outputs;
  network.analysis = analysis;
  Shape shape = shape_of(node, "Input", 1);
  if (shape.size() != variables)
    node.fail("InputDepth x InputHeight x InputWidth: expected the number of variables, " + std::to_string(variables) +
              ", found " + text_of(shape));
  for (const auto& [name, allowed] : letters())
    if (const std::string& found = node.attribute(name); found.size() != 1 || allowed.find(found) == std::string::npos)
      node.fail(std::string(name) + ": expected one of " + allowed + ", found " + found);
  network.output_function = node.attribute("OutputFunction")[0];
  const char wanted = analysis == Analysis::Classification ? 'S' : analysis == Analysis::Regression ? 'I' : 'M';
  if (network.output_function != wanted)
    node.fail(std::string("OutputFunction: expected ") + wanted + " for this analysis, found " +
              node.attribute("OutputFunction"));
  if (node.integer("NetDepth", 1) != weights.children.size())
    node.fail("NetDepth: expected " + node.attribute("NetDepth") + " layers, found " +
              std::to_string(weights.children.size()));
  std::size_t number = 0;
  for (const Node& child : weights.children)
    shape = read_layer(Asked(child, " (layer " + std::to_string(number++) + ")"), shape, network);
  if (shape.depth != 1 || shape.height != 1 || shape.width != outputs)
    node.fail("expected " + std::to_string(outputs) + " output(s) of the last layer, found " + text_of(shape));
  return network;
}
