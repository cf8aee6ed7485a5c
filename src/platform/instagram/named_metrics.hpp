// Finds which of the metrics asked for an error text means.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ig::platform::instagram {

// By index ("metric[2]"), else by name as a whole word. A list of allowed values in the text does not count: it names
// metrics that are fine. In the order asked, each once; empty when the text names none.
std::vector<std::string> named_metrics(std::string_view text, const std::vector<std::string> &asked);

}  // namespace ig::platform::instagram
