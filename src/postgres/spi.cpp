// Implements SQL from C++ on SPI: plans are prepared once a process, rows are copied before SPI forgets them.
#include <unordered_map>

#include "postgres/spi.hpp"

namespace ig::pg {

namespace {

constexpr int max_params = 24;

// Plans by the address of their text. Never destroyed: it lives as long as the process.
std::unordered_map<const char *, SPIPlanPtr> &plans()
{
    static auto *kept = new std::unordered_map<const char *, SPIPlanPtr>();
    return *kept;
}

const char *spi_failure(int code) { return SPI_result_code_string(code); }

SPIPlanPtr prepared(const char *statement, int count, Oid *types)
{
    auto found = plans().find(statement);
    if (found != plans().end()) return found->second;
    SPIPlanPtr plan = pg_call([&] {
        SPIPlanPtr fresh = SPI_prepare(statement, count, types);
        if (fresh == nullptr) elog(ERROR, "could not prepare a statement: %s", spi_failure(SPI_result));
        const int kept = SPI_keepplan(fresh);
        if (kept != 0) elog(ERROR, "could not keep a plan: %s", spi_failure(kept));
        return fresh;
    });
    plans().emplace(statement, plan);
    return plan;
}

}  // namespace

Params &Params::text(std::string_view value)
{
    params_.push_back({Kind::text, std::string(value), 0, {}});
    return *this;
}

Params &Params::text(const Field &value)
{
    params_.push_back({value ? Kind::text : Kind::null_text, value.value_or(std::string()), 0, {}});
    return *this;
}

Params &Params::number(std::int64_t value)
{
    params_.push_back({Kind::number, {}, value, {}});
    return *this;
}

Params &Params::boolean(bool value)
{
    params_.push_back({Kind::boolean, {}, value ? 1 : 0, {}});
    return *this;
}

Params &Params::bytes(std::string_view value)
{
    params_.push_back({Kind::bytes, std::string(value), 0, {}});
    return *this;
}

Params &Params::texts(std::vector<Field> values)
{
    params_.push_back({Kind::texts, {}, 0, std::move(values)});
    return *this;
}

Params &Params::texts(const std::optional<std::vector<std::string>> &values)
{
    if (!values) {
        params_.push_back({Kind::null_texts, {}, 0, {}});
        return *this;
    }
    return texts(std::vector<Field>(values->begin(), values->end()));
}

Sql::Sql()
{
    pg_call([] {
        const int code = SPI_connect();
        if (code != SPI_OK_CONNECT) elog(ERROR, "could not connect to SPI: %s", spi_failure(code));
    });
}

void Sql::finish()
{
    pg_call([] { SPI_finish(); });
}

struct Sql::Bound {
    int count;
    Oid types[max_params];
    Datum values[max_params];
    char nulls[max_params + 1];
};

// Every cell as C text in SPI's memory, row by row: copied where no server call is left, since a std::string must not
// stand between a guard and the call.
struct Sql::Table {
    char **cells;
    std::uint64_t rows;
    int columns;
    std::uint64_t touched;
};

void Sql::name_types(const Params &params, Bound &bound)
{
    using Kind = Params::Kind;
    bound = Bound{};
    bound.count = static_cast<int>(params.params_.size());
    if (bound.count > max_params) throw std::length_error("too many parameters");
    for (int i = 0; i < bound.count; ++i) {
        switch (params.params_[static_cast<std::size_t>(i)].kind) {
        case Kind::null_text:
        case Kind::text: bound.types[i] = TEXTOID; break;
        case Kind::number: bound.types[i] = INT8OID; break;
        case Kind::boolean: bound.types[i] = BOOLOID; break;
        case Kind::bytes: bound.types[i] = BYTEAOID; break;
        case Kind::texts:
        case Kind::null_texts: bound.types[i] = TEXTARRAYOID; break;
        }
    }
}

// Called inside pg_call: palloc only.
void Sql::bind(const Params &params, Bound &bound)
{
    using Kind = Params::Kind;
    const auto text_of = [](const std::string &text) {
        return PointerGetDatum(cstring_to_text_with_len(text.data(), static_cast<int>(text.size())));
    };
    for (int i = 0; i < bound.count; ++i) {
        const Params::Param &param = params.params_[static_cast<std::size_t>(i)];
        bound.nulls[i] = param.kind == Kind::null_text || param.kind == Kind::null_texts ? 'n' : ' ';
        switch (param.kind) {
        case Kind::null_text:
        case Kind::null_texts: break;
        case Kind::text:
        case Kind::bytes: bound.values[i] = text_of(param.text); break;
        case Kind::number: bound.values[i] = Int64GetDatum(param.number); break;
        case Kind::boolean: bound.values[i] = BoolGetDatum(param.number != 0); break;
        case Kind::texts: {
            int size = static_cast<int>(param.texts.size());
            Datum *elements = static_cast<Datum *>(palloc0(sizeof(Datum) * static_cast<std::size_t>(size + 1)));
            bool *nulls = static_cast<bool *>(palloc0(sizeof(bool) * static_cast<std::size_t>(size + 1)));
            for (int k = 0; k < size; ++k) {
                const Field &element = param.texts[static_cast<std::size_t>(k)];
                nulls[k] = !element.has_value();
                if (element) elements[k] = text_of(*element);
            }
            int lower = 1;
            bound.values[i] = PointerGetDatum(
                size == 0 ? construct_empty_array(TEXTOID)
                          : construct_md_array(elements, nulls, 1, &size, &lower, TEXTOID, -1, false, TYPALIGN_INT));
            break;
        }
        }
    }
}

// Called inside pg_call.
Sql::Table Sql::execute(SPIPlanPtr plan, Bound &bound, View view)
{
    int code;
    if (view == View::latest) {
        PushActiveSnapshot(GetLatestSnapshot());
        code = SPI_execute_snapshot(plan, bound.values, bound.nulls, GetActiveSnapshot(), InvalidSnapshot, true, true, 0);
        PopActiveSnapshot();
    } else {
        code = SPI_execute_plan(plan, bound.values, bound.nulls, false, 0);
    }
    if (code < 0) elog(ERROR, "could not execute a statement: %s", spi_failure(code));
    Table table{nullptr, 0, 0, SPI_processed};
    if (SPI_tuptable == nullptr) return table;
    const TupleDesc description = SPI_tuptable->tupdesc;
    table.rows = SPI_tuptable->numvals;
    table.columns = description->natts;
    table.cells = static_cast<char **>(MemoryContextAllocHuge(
        CurrentMemoryContext, sizeof(char *) * (table.rows * static_cast<std::uint64_t>(table.columns) + 1)));
    char **cell = table.cells;
    for (std::uint64_t row = 0; row < table.rows; ++row)
        for (int column = 1; column <= table.columns; ++column)
            *cell++ = SPI_getvalue(SPI_tuptable->vals[row], description, column);
    return table;
}

Rows Sql::run(const char *statement, const Params &params, View view)
{
    Bound bound;
    name_types(params, bound);
    const SPIPlanPtr plan = prepared(statement, bound.count, bound.types);
    const Table table = pg_call([&] {
        bind(params, bound);
        return execute(plan, bound, view);
    });
    Rows rows;
    rows.touched_ = table.touched;
    rows.rows_.reserve(table.rows);
    const char *const *cell = table.cells;
    for (std::uint64_t row = 0; row < table.rows; ++row) {
        std::vector<Field> fields;
        fields.reserve(static_cast<std::size_t>(table.columns));
        for (int column = 0; column < table.columns; ++column, ++cell) fields.push_back(*cell == nullptr ? Field() : Field(*cell));
        rows.rows_.push_back(std::move(fields));
    }
    if (table.cells != nullptr) pg_call([] { SPI_freetuptable(SPI_tuptable); });
    return rows;
}

}  // namespace ig::pg
