// Implements identity: reads the claim, the setting or the role map, and the membership tests on the caller's own role.
#include "postgres/identity.hpp"

#include "postgres/settings.hpp"
#include "postgres/spi.hpp"

namespace ig::pg {

namespace {

bool acting_set = false;
pg_uuid_t acting_user;

void clear_at_transaction_end(XactEvent event, void *)
{
    if (event == XACT_EVENT_ABORT || event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE) acting_set = false;
}

void clear_at_subtransaction_abort(SubXactEvent event, SubTransactionId, SubTransactionId, void *)
{
    if (event == SUBXACT_EVENT_ABORT_SUB) acting_set = false;
}

std::string uuid_text(const pg_uuid_t &uuid)
{
    static const char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(36);
    for (int i = 0; i < UUID_LEN; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text.push_back('-');
        text.push_back(digits[uuid.data[i] >> 4]);
        text.push_back(digits[uuid.data[i] & 15]);
    }
    return text;
}

bool parse_uuid(const char *text, pg_uuid_t &uuid)
{
    try {
        pg_call([&] { uuid = *DatumGetUUIDP(DirectFunctionCall1(uuid_in, CStringGetDatum(text))); });
        return true;
    } catch (const PgError &error) {
        if (error.sqlerrcode() != ERRCODE_INVALID_TEXT_REPRESENTATION) throw;
        return false;
    }
}

// The member `sub` of the claims, as palloc'd text; null when there is none.
const char *subject_of_claims(const char *claims)
{
    return pg_call([&]() -> const char * {
        LOCAL_FCINFO(call, 2);
        InitFunctionCallInfoData(*call, nullptr, 2, InvalidOid, nullptr, nullptr);
        call->args[0].value = CStringGetTextDatum(claims);
        call->args[0].isnull = false;
        call->args[1].value = CStringGetTextDatum("sub");
        call->args[1].isnull = false;
        const Datum member = json_object_field_text(call);
        return call->isnull ? nullptr : TextDatumGetCString(member);
    });
}

std::optional<std::string> from_claims()
{
    const char *claims = pg_call([] { return GetConfigOption("request.jwt.claims", true, false); });
    if (claims == nullptr || claims[0] == '\0') return std::nullopt;
    const char *subject = nullptr;
    try {
        subject = subject_of_claims(claims);
    } catch (const PgError &error) {
        if (error.sqlerrcode() != ERRCODE_INVALID_TEXT_REPRESENTATION) throw;
        throw SqlError(invalid_parameter, "request.jwt.claims is not valid JSON",
                       "Set it to an object such as {\"sub\":\"<uuid of the user>\"}.");
    }
    if (subject == nullptr || subject[0] == '\0') return std::nullopt;
    pg_uuid_t uuid;
    if (!parse_uuid(subject, uuid))
        throw SqlError(invalid_parameter, "claim \"sub\" of request.jwt.claims is not a uuid",
                       "instagram_insights.identity = jwt needs the user's uuid there.");
    return uuid_text(uuid);
}

std::optional<std::string> from_setting()
{
    if (settings.user_id == nullptr || settings.user_id[0] == '\0') return std::nullopt;
    pg_uuid_t uuid;
    if (!parse_uuid(settings.user_id, uuid))
        throw SqlError(invalid_parameter, "instagram_insights.user_id is not a uuid",
                       "Set it to the uuid of the user, or to '' for none.");
    return uuid_text(uuid);
}

// Whose request this is. A definer function around us changes nothing: the outer role counts. Not so in a
// security-restricted operation, where the server runs code of a table's owner in a session that is not his: index
// expressions in ANALYZE or autovacuum, REFRESH MATERIALIZED VIEW. Whoever began that, often a superuser, has asked for
// nothing of what the code asks. There the role whose code runs counts; behind one of our definer functions that is the
// worker's, which is nobody.
Oid calling_role() { return InSecurityRestrictedOperation() ? GetUserId() : GetOuterUserId(); }

// Reads the role map as its owner would: a role need not be able to read it to be known by it. The statement runs as a
// superuser under the caller's search_path, so every name and operator in it says its schema.
std::optional<std::string> from_role()
{
    const char *role = pg_call([] { return GetUserNameFromId(calling_role(), false); });
    Oid user;
    int context;
    pg_call([&] {
        GetUserIdAndSecContext(&user, &context);
        SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID,
                               context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
    });
    struct Restore {
        Oid user;
        int context;
        ~Restore() { SetUserIdAndSecContext(user, context); }
    } restore{user, context};
    Sql sql;
    const Rows rows = sql.run("SELECT user_id::pg_catalog.text FROM instagram_insights.role_users"
                              " WHERE role_name OPERATOR(pg_catalog.=) $1::pg_catalog.name",
                              Params().text(std::string_view(role)), View::latest);
    sql.finish();
    if (rows.empty()) return std::nullopt;
    return rows[0][0];
}

constexpr const char *identity_hint =
    "At psql: SET request.jwt.claims = '{\"sub\":\"<uuid>\"}'. As a member of instagram_insights_admin: pass user_id.";

}  // namespace

std::optional<std::string> current_user_id()
{
    if (acting_set) return uuid_text(acting_user);
    switch (identity()) {
    case Identity::jwt: return from_claims();
    case Identity::setting: return from_setting();
    case Identity::role: return from_role();
    }
    return std::nullopt;
}

bool caller_is_admin()
{
    return pg_call([] {
        const Oid caller = calling_role();
        if (superuser_arg(caller)) return true;
        const Oid admin = get_role_oid("instagram_insights_admin", true);
        return OidIsValid(admin) && has_privs_of_role(caller, admin);
    });
}

std::string target_user_id(const std::optional<std::string> &wanted)
{
    const std::optional<std::string> current = current_user_id();
    if (!wanted) {
        if (!current) throw SqlError(null_not_allowed, "no user id is given or known", identity_hint);
        return *current;
    }
    if ((current && *current == *wanted) || caller_is_admin()) return *wanted;
    throw SqlError(
        insufficient_privilege, "permission denied for another user",
        "Leave user_id out to act for yourself; only members of instagram_insights_admin may name another user.");
}

ActingUser::ActingUser(const std::string &user_id) : previous_set_(acting_set), previous_(acting_user)
{
    pg_uuid_t uuid;
    if (!parse_uuid(user_id.c_str(), uuid))
        throw SqlError(invalid_parameter, "user id is not a uuid", "Pass the uuid of a user.");
    acting_user = uuid;
    acting_set = true;
}

ActingUser::~ActingUser()
{
    acting_user = previous_;
    acting_set = previous_set_;
}

RestrictedRole::RestrictedRole(Oid role)
    : previous_user_(InvalidOid), previous_context_(0), guc_level_(0), active_(false)
{
    pg_call([this, role] {
        GetUserIdAndSecContext(&previous_user_, &previous_context_);
        guc_level_ = NewGUCNestLevel();
        (void)set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
                                0, false);
        SetUserIdAndSecContext(role, previous_context_ | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
    });
    active_ = true;
}

void RestrictedRole::leave()
{
    if (!active_) return;
    active_ = false;
    pg_call([this] {
        SetUserIdAndSecContext(previous_user_, previous_context_);
        AtEOXact_GUC(false, guc_level_);
    });
}

RestrictedRole::~RestrictedRole()
{
    if (active_) SetUserIdAndSecContext(previous_user_, previous_context_);
}

WorkerRole::WorkerRole() : RestrictedRole(pg_call([] { return get_role_oid("instagram_insights_worker", false); })) {}

SuperuserRole::SuperuserRole() : RestrictedRole(BOOTSTRAP_SUPERUSERID) {}

void register_identity_callbacks()
{
    RegisterXactCallback(clear_at_transaction_end, nullptr);
    RegisterSubXactCallback(clear_at_subtransaction_abort, nullptr);
}

}  // namespace ig::pg

using namespace ig;

IG_SQL_FUNCTION(ig_current_user_id)
{
    return pg::cpp_entry([&]() -> Datum {
        const std::optional<std::string> user = pg::current_user_id();
        if (!user) {
            fcinfo->isnull = true;
            return static_cast<Datum>(0);
        }
        const char *printed = user->c_str();
        return pg::pg_call([&] { return DirectFunctionCall1(uuid_in, CStringGetDatum(printed)); });
    });
}

IG_SQL_FUNCTION(ig_target_user)
{
    return pg::cpp_entry([&]() -> Datum {
        std::optional<std::string> wanted;
        if (!PG_ARGISNULL(0)) {
            const char *printed =
                pg::pg_call([&] { return DatumGetCString(DirectFunctionCall1(uuid_out, PG_GETARG_DATUM(0))); });
            wanted = printed;
        }
        const std::string target = pg::target_user_id(wanted);
        const char *const answer = target.c_str();
        return pg::pg_call([&] { return DirectFunctionCall1(uuid_in, CStringGetDatum(answer)); });
    });
}

IG_SQL_FUNCTION(ig_is_admin)
{
    (void)fcinfo;
    return pg::cpp_entry([]() -> Datum { return BoolGetDatum(pg::caller_is_admin()); });
}
