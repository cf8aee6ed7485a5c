// RapidJSON in place, numbers kept as the text they came as.
#include "floor/reader.hpp"

#include <stdexcept>

#include <rapidjson/document.h>

namespace ig::bench {

namespace {

constexpr unsigned flags = rapidjson::kParseInsituFlag | rapidjson::kParseNumbersAsStringsFlag;
using Document = rapidjson::Document;

std::string_view text_of(const Document::ValueType &value)
{
    if (!value.IsString()) throw std::runtime_error("an answer of another shape");
    return {value.GetString(), value.GetStringLength()};
}

const Document::ValueType &member(const Document::ValueType &of, const char *name)
{
    const auto found = of.FindMember(name);
    if (found == of.MemberEnd()) throw std::runtime_error(std::string("an answer without ") + name);
    return found->value;
}

}  // namespace

void Rows::add(const Account &of, std::string_view metric_name, std::string_view time, std::string_view number)
{
    const std::string_view parts[columns] = {of.user_id, of.account_id, metric_name, time, number};
    const char before = count == 0 ? '{' : ',';
    for (std::size_t i = 0; i < columns; ++i) {
        text[i].push_back(before);
        text[i].append(parts[i]);
    }
    ++count;
}

void Rows::clear()
{
    for (std::string &column : text) column.clear();
    count = 0;
}

void read_answer(Rows &rows, const Work &work, const Call &call, char *json)
{
    char memory[16384];
    rapidjson::MemoryPoolAllocator<> pool(memory, sizeof memory);
    Document document(&pool);
    document.ParseInsitu<flags>(json);
    if (document.HasParseError() || !document.IsObject()) throw std::runtime_error("an answer that is no JSON");
    const Account &account = work.accounts[call.account];
    for (const auto &result : member(document, "data").GetArray()) {
        const std::string_view metric = text_of(member(result, "name"));
        if (call.number == 0) {
            for (const auto &point : member(result, "values").GetArray())
                rows.add(account, metric, text_of(member(point, "end_time")), text_of(member(point, "value")));
        } else {
            rows.add(account, metric, work.days[call.number - 1].end_time,
                     text_of(member(member(result, "total_value"), "value")));
        }
    }
}

void read_batch(Rows &rows, const Work &work, const Call *calls, std::size_t count, char *json)
{
    Document document;
    document.ParseInsitu<flags>(json);
    if (document.HasParseError() || !document.IsArray() || document.Size() != count)
        throw std::runtime_error("a batch answered otherwise than asked");
    for (std::size_t i = 0; i < count; ++i) {
        Document::ValueType &item = document[static_cast<rapidjson::SizeType>(i)];
        if (text_of(member(item, "code")) != "200") throw std::runtime_error("an item was refused");
        read_answer(rows, work, calls[i], const_cast<char *>(text_of(member(item, "body")).data()));
    }
}

}  // namespace ig::bench
