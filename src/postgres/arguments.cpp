// Implements reading arguments and writing result sets.
#include "postgres/arguments.hpp"

namespace ig::pg {

std::optional<std::string> printed(Datum value, bool null, Oid type)
{
    if (null) return std::nullopt;
    const char *text = pg_call([&]() -> const char * {
        Oid output;
        bool varlena;
        getTypeOutputInfo(type, &output, &varlena);
        return OidOutputFunctionCall(output, value);
    });
    return std::string(text);
}

std::optional<std::string> printed_argument(FunctionCallInfo fcinfo, int index, Oid type)
{
    return printed(fcinfo->args[index].value, fcinfo->args[index].isnull, type);
}

std::optional<std::string> text_argument(FunctionCallInfo fcinfo, int index)
{
    return printed_argument(fcinfo, index, TEXTOID);
}
std::optional<std::string> uuid_argument(FunctionCallInfo fcinfo, int index)
{
    return printed_argument(fcinfo, index, UUIDOID);
}

std::optional<Day> date_argument(FunctionCallInfo fcinfo, int index)
{
    if (fcinfo->args[index].isnull) return std::nullopt;
    const DateADT date = DatumGetDateADT(fcinfo->args[index].value);
    if (DATE_NOT_FINITE(date))
        throw SqlError(invalid_parameter, "date is infinite", "Name the first and the last day to ask for.");
    // Dates count from 2000-01-01.
    return Day{std::chrono::days(date) + std::chrono::days(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE)};
}

std::optional<std::vector<std::string>> texts_argument(FunctionCallInfo fcinfo, int index)
{
    if (fcinfo->args[index].isnull) return std::nullopt;
    const Datum value = fcinfo->args[index].value;
    struct Elements {
        char **items;  // null for a NULL element
        int size;
    };
    const Elements elements = pg_call([&] {
        Datum *values;
        bool *nulls;
        Elements result;
        deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &result.size);
        result.items = static_cast<char **>(palloc(sizeof(char *) * static_cast<std::size_t>(result.size + 1)));
        for (int i = 0; i < result.size; ++i) result.items[i] = nulls[i] ? nullptr : TextDatumGetCString(values[i]);
        return result;
    });
    std::vector<std::string> texts;
    for (int i = 0; i < elements.size; ++i) {
        if (elements.items[i] == nullptr)
            throw SqlError(invalid_parameter, "the list of metrics has a NULL element",
                           "Name metrics, or leave the list out.");
        texts.emplace_back(elements.items[i]);
    }
    return texts;
}

Secret secret_of_text(Datum value)
{
    struct Bytes {
        const char *data;
        std::size_t size;
    };
    const Bytes bytes = pg_call([&] {
        const text *plain = DatumGetTextPP(value);
        return Bytes{VARDATA_ANY(plain), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(plain))};
    });
    return Secret(std::string_view(bytes.data, bytes.size));
}

ResultSet::ResultSet(FunctionCallInfo fcinfo) : info_(nullptr), input_(nullptr)
{
    pg_call([this, fcinfo] {
        InitMaterializedSRF(fcinfo, 0);
        info_ = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
        input_ = TupleDescGetAttInMetadata(info_->setDesc);
    });
}

void ResultSet::add(const std::vector<Field> &fields)
{
    const Field *const first = fields.data();
    const int given = static_cast<int>(fields.size());
    pg_call([&] {
        const int columns = info_->setDesc->natts;
        char **values = static_cast<char **>(palloc0(sizeof(char *) * static_cast<std::size_t>(columns + 1)));
        for (int i = 0; i < columns && i < given; ++i)
            values[i] = first[i] ? const_cast<char *>(first[i]->c_str()) : nullptr;
        tuplestore_puttuple(info_->setResult, BuildTupleFromCStrings(input_, values));
        pfree(values);
    });
}

}  // namespace ig::pg
