// What stands beside a number, such as followers by country: kept as JSON texts of our own, one for each dimension.
#pragma once

#include <string>
#include <vector>

namespace ig::platform {

// The parts by one dimension: {"BR":31,"US":12} by country, {"25-34,F":41} by age,gender. Empty `dimension`: by hour.
// Or a rolling window that ends with the day: `dimension` is its period, such as week, and `json` the number.
struct Parts {
    std::string dimension;
    std::string json;
    bool window = false;
};

// A dimension that came replaces the one that was kept; the others stay.
void merge_parts(std::vector<Parts> &kept, std::vector<Parts> came);

// {"breakdowns":{"country":{"BR":31}},"hours":{"0":61},"windows":{"week":310}}, without what there is none of; empty when
// there is nothing.
std::string metadata_json(const std::vector<Parts> &parts);

}  // namespace ig::platform
