-- Which project and which entity of your application an account belongs to: rows stored from then on carry it.

CREATE FUNCTION ig_set_project(account_id text, project_id text, user_id uuid DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    target uuid := instagram_insights.ig_target_user(ig_set_project.user_id);
BEGIN
    PERFORM instagram_insights.ig_change_account(target, ig_set_project.account_id,
                                                 jsonb_build_object('project_id', NULLIF(ig_set_project.project_id, '')));
END
$body$;
COMMENT ON FUNCTION ig_set_project(text, text, uuid) IS
    'Says which project of your application an account belongs to (account_id NULL: all of the user); rows that are stored '
    'from now on carry it, rows that are there keep theirs. NULL or empty for none.';

CREATE FUNCTION ig_set_entity(account_id text DEFAULT NULL, entity_id text DEFAULT NULL, user_id uuid DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    target uuid := instagram_insights.ig_target_user(ig_set_entity.user_id);
BEGIN
    PERFORM instagram_insights.ig_change_account(target, ig_set_entity.account_id,
                                                 jsonb_build_object('entity_id', NULLIF(ig_set_entity.entity_id, '')));
END
$body$;
COMMENT ON FUNCTION ig_set_entity(text, text, uuid) IS
    'As ig_set_project(), for the entity (a brand, a client) an account belongs to';
