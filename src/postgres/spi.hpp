// SQL from C++: parameters in, rows of text out, plans kept for the life of the process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/time.hpp"
#include "postgres/guard.hpp"

namespace ig::pg {

using Field = std::optional<std::string>;  // nothing is SQL NULL

// The parameters of one statement, in order. Single values are text, bytea, bigint, boolean, uuid or timestamptz; lists are
// arrays of their own type, so that the server need not convert them, let alone once a row.
class Params {
public:
    Params &text(std::string_view value);
    Params &text(const Field &value);
    Params &number(std::int64_t value);
    Params &boolean(bool value);
    Params &bytes(std::string_view value);
    Params &uuid(std::string_view value);  // lower-case text, as the server prints it
    Params &instant(const std::optional<Instant> &value);
    Params &texts(std::vector<Field> values);
    Params &texts(const std::optional<std::vector<std::string>> &values);
    Params &uuids(std::vector<Field> values);                             // uuid[]
    Params &numerics(std::vector<Field> values);                          // numeric[]
    Params &jsonbs(std::vector<Field> values);                            // jsonb[]
    Params &numbers(std::vector<std::optional<std::int64_t>> values);     // bigint[]
    Params &booleans(std::vector<std::optional<std::int64_t>> values);    // boolean[]: 0 is false
    Params &instants(const std::vector<std::optional<Instant>> &values);  // timestamptz[]

private:
    friend class Sql;
    struct Param {
        Oid type = InvalidOid;  // of the value, or of the elements of a list
        bool list = false;
        bool null = false;
        std::string text;
        std::int64_t number = 0;
        std::vector<Field> texts;
        std::vector<std::optional<std::int64_t>> numbers;
    };
    Params &add(Param param);
    std::vector<Param> params_;
};

// Rows copied out of the server's memory.
class Rows {
public:
    std::size_t size() const noexcept { return rows_.size(); }
    bool empty() const noexcept { return rows_.empty(); }
    const std::vector<Field> &operator[](std::size_t row) const { return rows_.at(row); }
    auto begin() const { return rows_.begin(); }
    auto end() const { return rows_.end(); }
    // How many rows the statement touched.
    std::uint64_t touched() const noexcept { return touched_; }

private:
    friend class Sql;
    std::vector<std::vector<Field>> rows_;
    std::uint64_t touched_ = 0;
};

enum class View { current, latest };

// Has every kept plan made anew when it is next used: for tables that may have grown out of their plans.
void plan_anew();

// A connection to SPI. finish() ends it; without finish() the abort of the transaction does, so after an exception
// nothing more needs to be done here.
class Sql {
public:
    Sql();
    Sql(const Sql &) = delete;
    Sql &operator=(const Sql &) = delete;

    // `statement` must be a string literal: its address names the kept plan. View::latest sees what others committed up
    // to now whatever the isolation level, and reads only.
    Rows run(const char *statement, const Params &params = {}, View view = View::current);
    void finish();

private:
    struct Bound;
    struct Table;
    static void name_types(const Params &params, Bound &bound);
    static void bind(const Params &params, Bound &bound);
    static Datum bind_list(const Params::Param &param);
    static Table execute(SPIPlanPtr plan, Bound &bound, View view);
};

}  // namespace ig::pg
