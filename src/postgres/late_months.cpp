// Marks the months into which a number was written late: the trigger function of insights.
//
// A first sync or a backfill writes hundreds of such rows by one statement, into a few months. So what one statement has
// marked is remembered for as long as it runs, and only a month that is new to it costs an INSERT.
#include <cstring>

#include "postgres/identity.hpp"
#include "postgres/spi.hpp"

namespace ig::pg {

namespace {

struct Month {
    pg_uuid_t user;
    text *account;
    text *metric;
    DateADT first;
};

// Lives in the trigger's memory of one statement and one partition; zeroed at first.
struct Marked {
    static constexpr int capacity = 32;  // statements go through months and metrics in order, or nearly
    bool ready;
    AttrNumber user, account, metric, period, day;
    int next;
    Month months[capacity];
};

bool same(const text *one, const text *other)
{
    return VARSIZE_ANY_EXHDR(one) == VARSIZE_ANY_EXHDR(other) &&
           std::memcmp(VARDATA_ANY(one), VARDATA_ANY(other), VARSIZE_ANY_EXHDR(one)) == 0;
}

bool holds(const Marked &marked, const Month &month)
{
    for (const Month &known : marked.months)
        if (known.account != nullptr && known.first == month.first && same(known.metric, month.metric) &&
            same(known.account, month.account) && std::memcmp(&known.user, &month.user, sizeof known.user) == 0)
            return true;
    return false;
}

// Server code below, called within pg_call().

Marked *marked_of(FunctionCallInfo fcinfo, Relation relation)
{
    Marked *marked = static_cast<Marked *>(fcinfo->flinfo->fn_extra);
    if (marked == nullptr) {
        marked = static_cast<Marked *>(MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(Marked)));
        fcinfo->flinfo->fn_extra = marked;
    }
    if (!marked->ready) {
        const auto column = [relation](const char *name) {
            return static_cast<AttrNumber>(SPI_fnumber(RelationGetDescr(relation), name));
        };
        marked->user = column("user_id");
        marked->account = column("account_id");
        marked->metric = column("metric");
        marked->period = column("period");
        marked->day = column("day");
        if (marked->user <= 0 || marked->account <= 0 || marked->metric <= 0 || marked->period <= 0 || marked->day <= 0)
            elog(ERROR, "ig_mark_late() belongs to instagram_insights.insights, not to \"%s\"",
                 RelationGetRelationName(relation));
        marked->ready = true;
    }
    return marked;
}

DateADT first_of_month(DateADT day)
{
    if (DATE_NOT_FINITE(day)) return day;
    int year, month, day_of_month;
    j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &day_of_month);
    return date2j(year, month, 1) - POSTGRES_EPOCH_JDATE;
}

struct Mark {
    bool needed;
    Month month;
    const char *user;
    const char *account;
    const char *metric;
    char first[MAXDATELEN + 1];
};

Mark mark_of(const Marked &marked, TupleTableSlot *slot)
{
    Mark mark{};
    bool null = false;
    const auto value = [slot, &null](AttrNumber column) { return slot_getattr(slot, column, &null); };
    const text *period = DatumGetTextPP(value(marked.period));
    if (VARSIZE_ANY_EXHDR(period) != 3 || std::memcmp(VARDATA_ANY(period), "day", 3) != 0) return mark;
    mark.month.user = *DatumGetUUIDP(value(marked.user));
    mark.month.account = DatumGetTextPP(value(marked.account));
    mark.month.metric = DatumGetTextPP(value(marked.metric));
    mark.month.first = first_of_month(DatumGetDateADT(value(marked.day)));
    if (holds(marked, mark.month)) return mark;
    mark.needed = true;
    mark.user = DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&mark.month.user)));
    mark.account = text_to_cstring(mark.month.account);
    mark.metric = text_to_cstring(mark.month.metric);
    if (DATE_NOT_FINITE(mark.month.first)) {
        EncodeSpecialDate(mark.month.first, mark.first);
    } else {
        pg_tm parts{};
        j2date(mark.month.first + POSTGRES_EPOCH_JDATE, &parts.tm_year, &parts.tm_mon, &parts.tm_mday);
        EncodeDateOnly(&parts, USE_ISO_DATES, mark.first);
    }
    return mark;
}

text *kept(const text *value, MemoryContext context)
{
    const Size size = VARSIZE_ANY(value);
    return static_cast<text *>(std::memcpy(MemoryContextAlloc(context, size), value, size));
}

void remember(Marked &marked, const Month &month, MemoryContext context)
{
    Month &place = marked.months[marked.next];
    marked.next = (marked.next + 1) % Marked::capacity;
    if (place.account != nullptr) {
        pfree(place.account);
        pfree(place.metric);
    }
    place = Month{month.user, kept(month.account, context), kept(month.metric, context), month.first};
}

// An account that is being deleted takes its months with it, so it needs no mark.
void write_mark(const Mark &mark)
{
    SuperuserRole role;
    Sql sql;
    sql.run("INSERT INTO instagram_insights.insights_late (user_id, account_id, metric, period_start) "
            "SELECT a.user_id, a.account_id, $3, $4::date FROM instagram_insights.accounts a "
            "WHERE a.user_id = $1 AND a.account_id = $2 ON CONFLICT DO NOTHING",
            Params()
                .uuid(mark.user)
                .text(std::string_view(mark.account))
                .text(std::string_view(mark.metric))
                .text(std::string_view(mark.first)));
    sql.finish();
    role.leave();
}

void mark_row(FunctionCallInfo fcinfo, Marked *marked, TupleTableSlot *slot)
{
    const Mark mark = pg_call([marked, slot] { return mark_of(*marked, slot); });
    if (!mark.needed) return;
    write_mark(mark);
    pg_call([&] { remember(*marked, mark.month, fcinfo->flinfo->fn_mcxt); });
}

}  // namespace

}  // namespace ig::pg

using namespace ig;

IG_SQL_FUNCTION(ig_mark_late)
{
    return pg::cpp_entry([&]() -> Datum {
        const TriggerData *const trigger = reinterpret_cast<TriggerData *>(fcinfo->context);
        pg::Marked *const marked = pg::pg_call([&] {
            if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event) ||
                !TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
                elog(ERROR, "ig_mark_late() is a trigger function, for each row, after it changed");
            return pg::marked_of(fcinfo, trigger->tg_relation);
        });
        pg::mark_row(fcinfo, marked, trigger->tg_trigslot);
        if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event)) pg::mark_row(fcinfo, marked, trigger->tg_newslot);
        return PointerGetDatum(nullptr);
    });
}
