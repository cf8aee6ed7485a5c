// Implements SQL from C++ on SPI: plans are prepared once a process, rows are copied before SPI forgets them.
#include <algorithm>
#include <stdexcept>
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

struct ElementType {
    Oid array;
    int length;
    bool by_value;
    char align;
};

ElementType element_type(Oid type)
{
    switch (type) {
    case TEXTOID: return {TEXTARRAYOID, -1, false, TYPALIGN_INT};
    case UUIDOID: return {UUIDARRAYOID, UUID_LEN, false, TYPALIGN_CHAR};
    case NUMERICOID: return {NUMERICARRAYOID, -1, false, TYPALIGN_INT};
    case JSONBOID: return {JSONBARRAYOID, -1, false, TYPALIGN_INT};
    case INT8OID: return {INT8ARRAYOID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE};
    case TIMESTAMPTZOID: return {TIMESTAMPTZARRAYOID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE};
    case BOOLOID: return {BOOLARRAYOID, 1, true, TYPALIGN_CHAR};
    default: throw std::invalid_argument("no list of this type");
    }
}

std::int64_t server_timestamp(Instant moment) noexcept
{
    constexpr std::int64_t postgres_epoch_ms = 946684800000;
    return (moment.time_since_epoch().count() - postgres_epoch_ms) * 1000;
}

// Called inside pg_call: palloc, and an ERROR where the text is not one of the type.
Datum datum_of(Oid type, const std::string &text)
{
    switch (type) {
    case UUIDOID: return DirectFunctionCall1(uuid_in, CStringGetDatum(text.c_str()));
    case NUMERICOID:
        return DirectFunctionCall3(numeric_in, CStringGetDatum(text.c_str()), ObjectIdGetDatum(InvalidOid),
                                   Int32GetDatum(-1));
    case JSONBOID: return DirectFunctionCall1(jsonb_in, CStringGetDatum(text.c_str()));
    default: return PointerGetDatum(cstring_to_text_with_len(text.data(), static_cast<int>(text.size())));
    }
}

}  // namespace

Params &Params::add(Param param)
{
    params_.push_back(std::move(param));
    return *this;
}

Params &Params::text(std::string_view value) { return add({TEXTOID, false, false, std::string(value), 0, {}, {}}); }

Params &Params::text(const Field &value)
{
    return add({TEXTOID, false, !value, value.value_or(std::string()), 0, {}, {}});
}

Params &Params::number(std::int64_t value) { return add({INT8OID, false, false, {}, value, {}, {}}); }

Params &Params::boolean(bool value) { return add({BOOLOID, false, false, {}, value ? 1 : 0, {}, {}}); }

Params &Params::bytes(std::string_view value) { return add({BYTEAOID, false, false, std::string(value), 0, {}, {}}); }

Params &Params::uuid(std::string_view value) { return add({UUIDOID, false, false, std::string(value), 0, {}, {}}); }

Params &Params::instant(const std::optional<Instant> &value)
{
    return add({TIMESTAMPTZOID, false, !value, {}, value ? server_timestamp(*value) : 0, {}, {}});
}

Params &Params::texts(std::vector<Field> values) { return add({TEXTOID, true, false, {}, 0, std::move(values), {}}); }

Params &Params::texts(const std::optional<std::vector<std::string>> &values)
{
    if (!values) return add({TEXTOID, true, true, {}, 0, {}, {}});
    return texts(std::vector<Field>(values->begin(), values->end()));
}

Params &Params::uuids(std::vector<Field> values) { return add({UUIDOID, true, false, {}, 0, std::move(values), {}}); }

Params &Params::numerics(std::vector<Field> values)
{
    return add({NUMERICOID, true, false, {}, 0, std::move(values), {}});
}

Params &Params::jsonbs(std::vector<Field> values) { return add({JSONBOID, true, false, {}, 0, std::move(values), {}}); }

Params &Params::numbers(std::vector<std::optional<std::int64_t>> values)
{
    return add({INT8OID, true, false, {}, 0, {}, std::move(values)});
}

Params &Params::booleans(std::vector<std::optional<std::int64_t>> values)
{
    return add({BOOLOID, true, false, {}, 0, {}, std::move(values)});
}

Params &Params::instants(const std::vector<std::optional<Instant>> &values)
{
    std::vector<std::optional<std::int64_t>> numbers;
    numbers.reserve(values.size());
    for (const std::optional<Instant> &value : values)
        numbers.push_back(value ? std::optional<std::int64_t>(server_timestamp(*value)) : std::nullopt);
    return add({TIMESTAMPTZOID, true, false, {}, 0, {}, std::move(numbers)});
}

void plan_anew()
{
    pg_call([] { ResetPlanCache(); });
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
    bound = Bound{};
    bound.count = static_cast<int>(params.params_.size());
    if (bound.count > max_params) throw std::length_error("too many parameters");
    for (int i = 0; i < bound.count; ++i) {
        const Params::Param &param = params.params_[static_cast<std::size_t>(i)];
        bound.types[i] = param.list ? element_type(param.type).array : param.type;
    }
}

// Called inside pg_call: palloc only.
Datum Sql::bind_list(const Params::Param &param)
{
    const ElementType type = element_type(param.type);
    int size = static_cast<int>(std::max(param.texts.size(), param.numbers.size()));
    if (size == 0) return PointerGetDatum(construct_empty_array(param.type));
    Datum *elements = static_cast<Datum *>(palloc0(sizeof(Datum) * static_cast<std::size_t>(size)));
    bool *nulls = static_cast<bool *>(palloc0(sizeof(bool) * static_cast<std::size_t>(size)));
    for (int i = 0; i < size; ++i) {
        const std::size_t at = static_cast<std::size_t>(i);
        if (!param.texts.empty()) {
            nulls[i] = !param.texts[at].has_value();
            if (!nulls[i]) elements[i] = datum_of(param.type, *param.texts[at]);
        } else {
            nulls[i] = !param.numbers[at].has_value();
            if (!nulls[i])
                elements[i] =
                    param.type == BOOLOID ? BoolGetDatum(*param.numbers[at] != 0) : Int64GetDatum(*param.numbers[at]);
        }
    }
    int lower = 1;
    return PointerGetDatum(
        construct_md_array(elements, nulls, 1, &size, &lower, param.type, type.length, type.by_value, type.align));
}

// Called inside pg_call.
void Sql::bind(const Params &params, Bound &bound)
{
    for (int i = 0; i < bound.count; ++i) {
        const Params::Param &param = params.params_[static_cast<std::size_t>(i)];
        bound.nulls[i] = param.null ? 'n' : ' ';
        if (param.null) continue;
        if (param.list) bound.values[i] = bind_list(param);
        else if (param.type == BOOLOID) bound.values[i] = BoolGetDatum(param.number != 0);
        else if (param.type == INT8OID || param.type == TIMESTAMPTZOID) bound.values[i] = Int64GetDatum(param.number);
        else bound.values[i] = datum_of(param.type, param.text);
    }
}

// Called inside pg_call.
Sql::Table Sql::execute(SPIPlanPtr plan, Bound &bound, View view)
{
    int code;
    if (view == View::latest) {
        PushActiveSnapshot(GetLatestSnapshot());
        code =
            SPI_execute_snapshot(plan, bound.values, bound.nulls, GetActiveSnapshot(), InvalidSnapshot, true, true, 0);
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
        for (int column = 0; column < table.columns; ++column, ++cell)
            fields.push_back(*cell == nullptr ? Field() : Field(*cell));
        rows.rows_.push_back(std::move(fields));
    }
    if (table.cells != nullptr) pg_call([] { SPI_freetuptable(SPI_tuptable); });
    return rows;
}

}  // namespace ig::pg
