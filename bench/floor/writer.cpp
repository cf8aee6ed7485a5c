// One prepared INSERT ... SELECT FROM unnest() in its own transaction each time, sent and awaited without blocking.
#include "floor/writer.hpp"

#include <cstdlib>
#include <stdexcept>

namespace ig::bench {

Writer::Writer(const std::string &where) : connection_(PQconnectdb(where.c_str()))
{
    if (PQstatus(connection_) != CONNECTION_OK) fail();
    PGresult *prepared = PQprepare(
        connection_, "store",
        "INSERT INTO floor.insights AS i (user_id, account_id, metric, period, end_time, value)"
        " SELECT u.user_id, u.account_id, u.metric, 'day', u.end_time, u.value"
        "   FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::numeric[])"
        "        AS u (user_id, account_id, metric, end_time, value)"
        " ON CONFLICT (user_id, account_id, metric, period, end_time)"
        " DO UPDATE SET value = EXCLUDED.value, retrieved_at = now() WHERE i.value IS DISTINCT FROM EXCLUDED.value",
        0, nullptr);
    if (PQresultStatus(prepared) != PGRES_COMMAND_OK) fail();
    PQclear(prepared);
    PQsetnonblocking(connection_, 1);
}

Writer::~Writer() { PQfinish(connection_); }

void Writer::fail() const { throw std::runtime_error(std::string("storing: ") + PQerrorMessage(connection_)); }

void Writer::send(std::size_t enough, bool rest)
{
    if (storing_ || gathering_.count == 0 || (gathering_.count < enough && !rest)) return;
    const char *values[Rows::columns];
    for (std::size_t i = 0; i < Rows::columns; ++i) {
        gathering_.text[i].push_back('}');
        values[i] = gathering_.text[i].c_str();
    }
    if (PQsendQueryPrepared(connection_, "store", Rows::columns, values, nullptr, nullptr, 0) != 1) fail();
    gathering_.clear();  // libpq has its copy
    storing_ = true;
    wants_write_ = PQflush(connection_) == 1;
}

void Writer::go_on()
{
    if (!storing_) return;
    if (wants_write_) wants_write_ = PQflush(connection_) == 1;
    if (PQconsumeInput(connection_) != 1) fail();
    while (PQisBusy(connection_) == 0) {
        PGresult *result = PQgetResult(connection_);
        if (result == nullptr) {
            storing_ = false;
            return;
        }
        if (PQresultStatus(result) != PGRES_COMMAND_OK) fail();
        stored_ += std::strtoul(PQcmdTuples(result), nullptr, 10);
        PQclear(result);
    }
}

}  // namespace ig::bench
