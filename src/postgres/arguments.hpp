// SQL arguments to C++ values, and rows of text to a result set.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "platform/time.hpp"
#include "postgres/spi.hpp"
#include "vault/secret.hpp"

namespace ig::pg {

// Each reads argument `index`; NULL is nothing.
std::optional<std::string> text_argument(FunctionCallInfo fcinfo, int index);
std::optional<std::string> uuid_argument(FunctionCallInfo fcinfo, int index);
std::optional<Day> date_argument(FunctionCallInfo fcinfo, int index);  // infinite dates raise 22023
std::optional<std::vector<std::string>> texts_argument(FunctionCallInfo fcinfo,
                                                       int index);  // a NULL element raises 22023
// The value of any type in its text form.
std::optional<std::string> printed_argument(FunctionCallInfo fcinfo, int index, Oid type);

std::optional<std::string> printed(Datum value, bool null, Oid type);
// Straight from the server's memory into wiped memory.
Secret secret_of_text(Datum value);

// Writes rows whose fields are in the text form of the result's columns.
class ResultSet {
public:
    explicit ResultSet(FunctionCallInfo fcinfo);
    void add(const std::vector<Field> &fields);

private:
    ReturnSetInfo *info_;
    AttInMetadata *input_;
};

}  // namespace ig::pg
