// Implements the wall: copying an ERROR out of the server's error state, and raising one from what C++ threw.
#include <cstring>
#include <new>
#include <string>

#include "postgres/guard.hpp"

#include "platform/redact.hpp"

namespace ig::pg {

namespace {

// Error copies outlive the abort of the transaction they happened in; the context is made on first use.
MemoryContext error_context()
{
    static MemoryContext context = nullptr;
    if (context == nullptr)
        context = AllocSetContextCreate(TopMemoryContext, "instagram_insights errors", ALLOCSET_SMALL_SIZES);
    return context;
}

// What the last entry rethrew: the server made its own copy, so this one is freed when the next entry begins.
ErrorData *rethrown = nullptr;

// Copying can itself run out of memory; then the caller gets an error without data instead of a crash.
ErrorData *copy_error_data() noexcept
{
    sigjmp_buf *const saved_stack = PG_exception_stack;
    ErrorData *volatile copy = nullptr;
    sigjmp_buf here;
    if (sigsetjmp(here, 0) == 0) {
        PG_exception_stack = &here;
        MemoryContextSwitchTo(error_context());
        copy = CopyErrorData();
    }
    PG_exception_stack = saved_stack;
    return copy;
}

void copy_text(char *target, std::size_t size, const char *text) noexcept
{
    std::size_t length = std::strlen(text);
    if (length >= size) {
        // Not in the middle of a UTF-8 character.
        length = size - 1;
        while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
    }
    std::memcpy(target, text, length);
    target[length] = '\0';
}

void fill(detail::Report &report, int sqlerrcode, const char *message, const char *hint, const char *text) noexcept
{
    report.sqlerrcode = sqlerrcode;
    copy_text(report.message, sizeof report.message, message);
    copy_text(report.hint, sizeof report.hint, hint);
    copy_text(report.detail, sizeof report.detail, text);
}

}  // namespace

PgError::~PgError()
{
    if (error_ != nullptr) FreeErrorData(error_);
}

namespace detail {

void run_guarded(void (*body)(void *), void *argument)
{
    sigjmp_buf *const saved_stack = PG_exception_stack;
    ErrorContextCallback *const saved_context_stack = error_context_stack;
    const MemoryContext saved_context = CurrentMemoryContext;
    sigjmp_buf here;
    if (sigsetjmp(here, 0) == 0) {
        PG_exception_stack = &here;
        try {
            body(argument);
        } catch (...) {
            PG_exception_stack = saved_stack;
            error_context_stack = saved_context_stack;
            throw;
        }
        PG_exception_stack = saved_stack;
        error_context_stack = saved_context_stack;
        return;
    }
    PG_exception_stack = saved_stack;
    error_context_stack = saved_context_stack;
    ErrorData *const error = copy_error_data();
    FlushErrorState();
    MemoryContextSwitchTo(saved_context);
    if (error == nullptr) throw std::bad_alloc();
    throw PgError(error);
}

void begin_entry() noexcept
{
    if (rethrown != nullptr) FreeErrorData(std::exchange(rethrown, nullptr));
}

void describe_current_exception(Report &report) noexcept
{
    try {
        throw;
    } catch (PgError &error) {
        report.error = error.release();
    } catch (const SqlError &error) {
        const char *state = error.sqlstate();
        fill(report, MAKE_SQLSTATE(state[0], state[1], state[2], state[3], state[4]), error.what(),
             error.hint().c_str(), error.detail().c_str());
    } catch (const std::bad_alloc &) {
        fill(report, ERRCODE_OUT_OF_MEMORY, "out of memory", "", "");
    } catch (const std::exception &error) {
        fill(report, ERRCODE_INTERNAL_ERROR, error.what(),
             "This is a defect of instagram_insights; please report it with the statement that led here.", "");
    } catch (...) {
        fill(report, ERRCODE_INTERNAL_ERROR, "unknown C++ exception",
             "This is a defect of instagram_insights; please report it with the statement that led here.", "");
    }
}

void raise(const Report &report)
{
    // COPY and PL/pgSQL would add their text, and with it the secret, to the context. Whoever catches the ERROR puts it back.
    if (report.hide_statement) error_context_stack = nullptr;
    if (report.error != nullptr) {
        rethrown = report.error;
        if (report.hide_statement) report.error->hide_stmt = true;
        ReThrowError(report.error);
    }
    ereport(ERROR, (errcode(report.sqlerrcode), errmsg_internal("%s", report.message),
                    report.detail[0] != '\0' ? errdetail_internal("%s", report.detail) : 0,
                    report.hint[0] != '\0' ? errhint("%s", report.hint) : 0, errhidestmt(report.hide_statement)));
    pg_unreachable();
}

}  // namespace detail

std::string current_exception_text() noexcept
{
    try {
        try {
            throw;
        } catch (const std::exception &error) {
            return platform::redact(error.what());
        } catch (...) {
            return "unknown C++ exception";
        }
    } catch (...) {
        return {};
    }
}

}  // namespace ig::pg
