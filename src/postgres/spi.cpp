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

Rows Sql::run(const char *statement, const Params &params, View view)
{
    using Kind = Params::Kind;
    const int count = static_cast<int>(params.params_.size());
    if (count > max_params) throw std::length_error("too many parameters");
    Oid types[max_params];
    for (int i = 0; i < count; ++i) {
        switch (params.params_[i].kind) {
        case Kind::null_text:
        case Kind::text: types[i] = TEXTOID; break;
        case Kind::number: types[i] = INT8OID; break;
        case Kind::boolean: types[i] = BOOLOID; break;
        case Kind::bytes: types[i] = BYTEAOID; break;
        case Kind::texts:
        case Kind::null_texts: types[i] = TEXTARRAYOID; break;
        }
    }
    const SPIPlanPtr plan = prepared(statement, count, types);
    Datum values[max_params];
    char nulls[max_params + 1] = {};
    const Params::Param *const first = params.params_.data();

    // Every cell as C text in SPI's memory, row by row; copied below, where no server call is left.
    struct Table {
        char **cells;
        std::uint64_t rows;
        int columns;
        std::uint64_t touched;
    };
    const Table table = pg_call([&] {
        for (int i = 0; i < count; ++i) {
            const Params::Param &param = first[i];
            nulls[i] = ' ';
            switch (param.kind) {
            case Kind::null_text:
            case Kind::null_texts:
                nulls[i] = 'n';
                values[i] = static_cast<Datum>(0);
                break;
            case Kind::text:
            case Kind::bytes:
                values[i] = PointerGetDatum(cstring_to_text_with_len(param.text.data(), static_cast<int>(param.text.size())));
                break;
            case Kind::number: values[i] = Int64GetDatum(param.number); break;
            case Kind::boolean: values[i] = BoolGetDatum(param.number != 0); break;
            case Kind::texts: {
                const int size = static_cast<int>(param.texts.size());
                Datum *elements = static_cast<Datum *>(palloc(sizeof(Datum) * (size + 1)));
                bool *element_nulls = static_cast<bool *>(palloc(sizeof(bool) * (size + 1)));
                for (int k = 0; k < size; ++k) {
                    const Field &element = param.texts[k];
                    element_nulls[k] = !element.has_value();
                    elements[k] = element ? PointerGetDatum(cstring_to_text_with_len(element->data(), static_cast<int>(element->size())))
                                          : static_cast<Datum>(0);
                }
                int dimensions[1] = {size};
                int lower[1] = {1};
                values[i] = PointerGetDatum(size == 0 ? construct_empty_array(TEXTOID)
                                                      : construct_md_array(elements, element_nulls, 1, dimensions, lower,
                                                                           TEXTOID, -1, false, TYPALIGN_INT));
                break;
            }
            }
        }
        int code;
        if (view == View::latest) {
            PushActiveSnapshot(GetLatestSnapshot());
            code = SPI_execute_snapshot(plan, values, nulls, GetActiveSnapshot(), InvalidSnapshot, true, true, 0);
            PopActiveSnapshot();
        } else {
            code = SPI_execute_plan(plan, values, nulls, false, 0);
        }
        if (code < 0) elog(ERROR, "could not execute a statement: %s", spi_failure(code));
        Table result{nullptr, 0, 0, SPI_processed};
        if (SPI_tuptable != nullptr) {
            const TupleDesc description = SPI_tuptable->tupdesc;
            result.rows = SPI_tuptable->numvals;
            result.columns = description->natts;
            result.cells = static_cast<char **>(MemoryContextAllocHuge(
                CurrentMemoryContext, sizeof(char *) * (result.rows * static_cast<std::uint64_t>(result.columns) + 1)));
            for (std::uint64_t row = 0; row < result.rows; ++row)
                for (int column = 0; column < result.columns; ++column)
                    result.cells[row * static_cast<std::uint64_t>(result.columns) + static_cast<std::uint64_t>(column)] =
                        SPI_getvalue(SPI_tuptable->vals[row], description, column + 1);
        }
        return result;
    });

    Rows rows;
    rows.touched_ = table.touched;
    rows.rows_.reserve(table.rows);
    for (std::uint64_t row = 0; row < table.rows; ++row) {
        std::vector<Field> fields;
        fields.reserve(static_cast<std::size_t>(table.columns));
        for (int column = 0; column < table.columns; ++column) {
            const char *cell = table.cells[row * static_cast<std::uint64_t>(table.columns) + static_cast<std::uint64_t>(column)];
            fields.push_back(cell == nullptr ? Field() : Field(cell));
        }
        rows.rows_.push_back(std::move(fields));
    }
    if (table.cells != nullptr) pg_call([] { SPI_freetuptable(SPI_tuptable); });
    return rows;
}

}  // namespace ig::pg
