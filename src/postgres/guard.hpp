// The wall between C++ and PostgreSQL: an ERROR becomes an exception on the way in, an exception an ERROR on the way out.
//
// An ERROR is a longjmp that skips destructors, and an exception must not pass through C frames of the server. So a server
// function is called only inside pg_call(), and every function the server calls is one cpp_entry().
#pragma once

#include <exception>
#include <type_traits>
#include <utility>

#include "postgres/errors.hpp"
#include "postgres/postgres.hpp"

namespace ig::pg {

// An ERROR of the server, whole: SQLSTATE, detail, hint and context survive a rethrow.
class PgError : public std::exception {
public:
    explicit PgError(ErrorData *error) noexcept : error_(error) {}
    PgError(PgError &&other) noexcept : error_(std::exchange(other.error_, nullptr)) {}
    PgError(const PgError &) = delete;
    PgError &operator=(const PgError &) = delete;
    ~PgError() override;

    const char *what() const noexcept override { return error_ && error_->message ? error_->message : "unknown error"; }
    int sqlerrcode() const noexcept { return error_ ? error_->sqlerrcode : ERRCODE_INTERNAL_ERROR; }
    // The caller now owns the data.
    ErrorData *release() noexcept { return std::exchange(error_, nullptr); }

private:
    ErrorData *error_;
};

namespace detail {

// Calls body(argument); an ERROR inside comes out as PgError.
void run_guarded(void (*body)(void *), void *argument);

// Plain data, so that nothing needs a destructor when the ERROR leaves.
struct Report {
    ErrorData *error = nullptr;
    int sqlerrcode = 0;
    bool hide_statement = false;
    char message[1024];
    char detail[1024];
    char hint[1024];
};

void begin_entry() noexcept;
void describe_current_exception(Report &report) noexcept;
[[noreturn]] void raise(const Report &report);

}  // namespace detail

// Runs server code. The lambda captures by reference, holds no object with a destructor over a server call, and returns
// plain data.
template <class Body> auto pg_call(Body &&body)
{
    using Plain = std::remove_reference_t<Body>;
    using Result = std::invoke_result_t<Plain &>;
    static_assert(std::is_trivially_destructible_v<Plain>, "an ERROR would skip the destructor of a capture");
    if constexpr (std::is_void_v<Result>) {
        detail::run_guarded([](void *argument) { (*static_cast<Plain *>(argument))(); },
                            const_cast<void *>(static_cast<const void *>(&body)));
    } else {
        static_assert(std::is_trivially_destructible_v<Result>, "return plain data from pg_call");
        struct Frame {
            Plain *body;
            Result result;
        } frame{&body, Result{}};
        detail::run_guarded(
            [](void *argument) {
                Frame *inner = static_cast<Frame *>(argument);
                inner->result = (*inner->body)();
            },
            &frame);
        return frame.result;
    }
}

enum class Statement { shown, hidden };

// The body of a function the server calls. `hidden` keeps the client's statement, which holds a secret, out of the log and
// out of the error's context, whatever goes wrong.
template <class Body> auto cpp_entry(Body &&body, Statement statement = Statement::shown)
{
    static_assert(std::is_trivially_destructible_v<std::remove_reference_t<Body>>);
    detail::Report report;
    detail::begin_entry();
    try {
        return body();
    } catch (...) {
        detail::describe_current_exception(report);
    }
    // Only here, outside the handler, may the ERROR leave: else the exception object would leak.
    report.hide_statement = statement == Statement::hidden;
    detail::raise(report);
}

// For places that must go on after an error: the words of the exception being handled, redacted.
std::string current_exception_text() noexcept;

}  // namespace ig::pg
