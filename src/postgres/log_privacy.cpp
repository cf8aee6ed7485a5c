// Implements log privacy with the server's hook on its messages.
//
// A line that COPY cannot take apart (a column too few, a quote never closed) is an error of the server, raised before
// our trigger sees the line, and its context quotes the line, token and all. So does the context of a message of any
// level from within PL/pgSQL that calls us with a literal. We cannot keep the server from composing it; we blank it
// before it is written.
#include "postgres/log_privacy.hpp"

#include <cstring>

#include "postgres/postgres.hpp"

namespace ig::pg {

namespace {

// Ways in for secrets, as a context names them.
constexpr const char *ways_in[] = {"connect_inbox", "ig_connect", "ig_configure_app", "ig_signed_user"};
constexpr char hidden[] = "(hidden)";

emit_log_hook_type next_hook = nullptr;

void hide_context(ErrorData *message)
{
    // In place: the server frees the text itself. It is longer than ours, since it holds one of the names.
    if (message->context != nullptr)
        for (const char *way : ways_in)
            if (std::strstr(message->context, way) != nullptr) std::memcpy(message->context, hidden, sizeof hidden);
    if (next_hook != nullptr) next_hook(message);
}

}  // namespace

void install_log_privacy() noexcept
{
    next_hook = emit_log_hook;
    emit_log_hook = hide_context;
}

}  // namespace ig::pg
