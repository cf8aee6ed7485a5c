// Scans the form and its JSON list by hand; this costs a tenth of a tree.
#include "load/batch.hpp"

#include <charconv>

namespace ig::bench {

namespace {

constexpr std::size_t most_items = 50;

void append_escaped(std::string &to, std::string_view text)
{
    while (!text.empty()) {
        const std::size_t at = text.find_first_of("\"\\");
        to.append(text.substr(0, at));
        if (at == std::string_view::npos) return;
        to.push_back('\\');
        to.push_back(text[at]);
        text.remove_prefix(at + 1);
    }
}

// One code unit of \uXXXX as UTF-8; what we are asked is ASCII, so pairs of surrogates may come out as they like.
void append_unit(std::string &to, unsigned unit)
{
    if (unit < 0x80) {
        to.push_back(static_cast<char>(unit));
    } else if (unit < 0x800) {
        to.push_back(static_cast<char>(0xC0 | unit >> 6));
        to.push_back(static_cast<char>(0x80 | (unit & 0x3F)));
    } else {
        to.push_back(static_cast<char>(0xE0 | unit >> 12));
        to.push_back(static_cast<char>(0x80 | (unit >> 6 & 0x3F)));
        to.push_back(static_cast<char>(0x80 | (unit & 0x3F)));
    }
}

}  // namespace

void Batch::skip_blanks(std::size_t &at) const
{
    while (at < list_.size() && (list_[at] == ' ' || list_[at] == '\n' || list_[at] == '\r' || list_[at] == '\t')) ++at;
}

// `at` is on the opening quote and ends behind the closing one.
bool Batch::read_string(std::size_t &at, std::string &into) const
{
    into.clear();
    if (at >= list_.size() || list_[at] != '"') return false;
    for (++at; at < list_.size(); ++at) {
        const std::size_t stop = list_.find_first_of("\"\\", at);
        if (stop == std::string::npos) return false;
        into.append(list_, at, stop - at);
        at = stop;
        if (list_[at] == '"') {
            ++at;
            return true;
        }
        if (++at >= list_.size()) return false;
        switch (list_[at]) {
        case 'n': into.push_back('\n'); break;
        case 't': into.push_back('\t'); break;
        case 'r': into.push_back('\r'); break;
        case 'b': into.push_back('\b'); break;
        case 'f': into.push_back('\f'); break;
        case 'u': {
            unsigned unit = 0;
            if (at + 4 >= list_.size() ||
                std::from_chars(&list_[at + 1], &list_[at + 5], unit, 16).ptr != &list_[at + 5])
                return false;
            append_unit(into, unit);
            at += 4;
            break;
        }
        default: into.push_back(list_[at]);
        }
    }
    return false;
}

// A value nobody reads: up to the comma or bracket that ends it.
bool Batch::skip_value(std::size_t &at) const
{
    int depth = 0;
    std::string ignored;
    for (; at < list_.size(); ++at) {
        const char c = list_[at];
        if (c == '"') {
            if (!read_string(at, ignored)) return false;
            --at;
        } else if (c == '{' || c == '[') {
            ++depth;
        } else if (c == '}' || c == ']') {
            if (depth-- == 0) return true;
        } else if (c == ',' && depth == 0) {
            return true;
        }
    }
    return false;
}

bool Batch::read_item(std::size_t &at)
{
    if (at >= list_.size() || list_[at] != '{') return false;
    ++at;
    if (count_ == items_.size()) items_.emplace_back();
    Item &item = items_[count_++];
    item.method = "GET";
    item.target.clear();
    for (;;) {
        skip_blanks(at);
        if (at < list_.size() && list_[at] == '}') break;
        if (!read_string(at, skipped_)) return false;
        skip_blanks(at);
        if (at >= list_.size() || list_[at] != ':') return false;
        ++at;
        skip_blanks(at);
        if (skipped_ == "relative_url" ? !read_string(at, item.target)
            : skipped_ == "method"     ? !read_string(at, item.method)
                                       : !skip_value(at))
            return false;
        skip_blanks(at);
        if (at < list_.size() && list_[at] == ',') ++at;
    }
    ++at;
    return !item.target.empty();
}

bool Batch::read_items()
{
    count_ = 0;
    std::size_t at = 0;
    skip_blanks(at);
    if (at >= list_.size() || list_[at] != '[') return false;
    ++at;
    for (;;) {
        skip_blanks(at);
        if (at < list_.size() && list_[at] == ']') return true;
        if (!read_item(at)) return false;
        skip_blanks(at);
        if (at < list_.size() && list_[at] == ',') ++at;
    }
}

void Batch::append_item(std::string &to, const Item &item, bool has_token, bool headers)
{
    body_.clear();
    Answer answer;
    if (item.method == "GET") {
        answer = answers_.append(body_, item.target, has_token);
    } else {
        body_ = "{\"error\":{\"message\":\"Unsupported method\",\"type\":\"GraphMethodException\",\"code\":100}}";
        answer.status = 400;
    }
    to.append(answer.status == 200 ? "{\"code\":200," : "{\"code\":400,");
    if (headers) {
        to.append("\"headers\":[{\"name\":\"Content-Type\",\"value\":\"text/javascript; charset=UTF-8\"}");
        if (!answer.account.empty())
            to.append(",{\"name\":\"X-Business-Use-Case-Usage\",\"value\":\"{\\\"")
                .append(answer.account)
                .append("\\\":[{\\\"type\\\":\\\"instagram\\\",\\\"call_count\\\":1,\\\"total_cputime\\\":1,"
                        "\\\"total_time\\\":1,\\\"estimated_time_to_regain_access\\\":0}]}\"}");
        to.append("],");
    }
    to.append("\"body\":\"");
    append_escaped(to, body_);
    to.append("\"}");
}

int Batch::append(std::string &to, std::string_view body, std::size_t &calls)
{
    bool token = false;
    bool headers = true;
    list_.clear();
    while (!body.empty()) {
        const std::size_t end = body.find('&');
        const std::string_view pair = body.substr(0, end);
        body = end == std::string_view::npos ? std::string_view() : body.substr(end + 1);
        if (pair.substr(0, 6) == "batch=") append_decoded(list_, pair.substr(6), true);
        else if (pair.substr(0, 13) == "access_token=") token = pair.size() > 13;
        else if (pair == "include_headers=false" || pair == "include_headers=0") headers = false;
    }
    const bool readable = read_items();
    calls = count_;
    if (!token || !readable || count_ == 0 || count_ > most_items) {
        const bool too_many = readable && count_ > most_items;
        to.append("{\"error\":{\"message\":\"");
        if (!token) to.append("An access token is required\",\"type\":\"OAuthException\",\"code\":104}}");
        else if (too_many) to.append("Too many requests in batch message. Maximum batch size is 50\",");
        else to.append("Batch must be a list of requests\",");
        if (token) to.append("\"type\":\"GraphBatchException\"}}");
        return 400;
    }
    to.push_back('[');
    for (std::size_t i = 0; i < count_; ++i) {
        if (i != 0) to.push_back(',');
        append_item(to, items_[i], token, headers);
    }
    to.push_back(']');
    return 200;
}

}  // namespace ig::bench
