-- Who is asking: the one answer every policy and every function uses.

CREATE FUNCTION ig_current_user_id() RETURNS uuid
    LANGUAGE c STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'ig_current_user_id';
COMMENT ON FUNCTION ig_current_user_id() IS
    'The user this session acts for, by the source named in instagram_insights.identity; NULL when none is known. Raises 22023 when the source holds something that is no uuid.';

CREATE FUNCTION ig_target_user(user_id uuid DEFAULT NULL) RETURNS uuid
    LANGUAGE c STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'ig_target_user';
COMMENT ON FUNCTION ig_target_user(uuid) IS
    'The user a call is about: the argument, or the current user when it is NULL. Raises 22004 when neither is known, 42501 when the caller asks for another user without being in instagram_insights_admin.';

CREATE FUNCTION ig_is_admin() RETURNS boolean
    LANGUAGE c STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'ig_is_admin';
COMMENT ON FUNCTION ig_is_admin() IS
    'Whether the caller is a superuser or in instagram_insights_admin; also inside SECURITY DEFINER functions the caller''s own role counts.';

CREATE TABLE role_users (
    role_name name NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL
);
COMMENT ON TABLE role_users IS 'Which user a database role is, for instagram_insights.identity = role';
COMMENT ON COLUMN role_users.role_name IS 'A database role (not checked to exist: roles come and go)';
COMMENT ON COLUMN role_users.user_id IS 'The user this role acts for';
