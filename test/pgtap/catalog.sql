-- Every object with its owner, attributes and rights is on the list catalog.list, which people read and agree to.
-- What differs is shown as a line to put on the list or to take off it; after " -- " stands a reason, for the reader.
BEGIN;
SET client_min_messages = warning;
SELECT * FROM no_plan();

CREATE FUNCTION pg_temp.role(oid) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN $1 = 0 THEN 'PUBLIC'
                ELSE (SELECT CASE WHEN r.rolsuper THEN 'superuser' ELSE replace(r.rolname, 'instagram_insights_', '') END
                      FROM pg_roles r WHERE r.oid = $1) END
$$;
-- Rights of everybody but the owner, such as "admin=SELECT user=INSERT,SELECT"; without a list, those the server gives.
CREATE FUNCTION pg_temp.rights(acl aclitem[], kind "char", owner oid) RETURNS text LANGUAGE sql AS $$
    SELECT COALESCE(string_agg(g.grantee || '=' || g.rights, ' ' ORDER BY g.grantee COLLATE "C"), 'nobody')
    FROM (SELECT pg_temp.role(a.grantee) AS grantee,
                 string_agg(a.privilege_type || CASE WHEN a.is_grantable THEN '*' ELSE '' END, ',' ORDER BY a.privilege_type) AS rights
          FROM aclexplode(COALESCE($1, acldefault($2, $3))) a WHERE a.grantee <> $3 GROUP BY a.grantee) g
$$;
CREATE TEMP VIEW ours AS SELECT oid FROM pg_namespace WHERE nspname = 'instagram_insights';
CREATE TEMP VIEW found AS
SELECT format('schema %s | owner %s | %s', n.nspname, pg_temp.role(n.nspowner), pg_temp.rights(n.nspacl, 'n', n.nspowner)) AS line
FROM pg_namespace n WHERE n.oid IN (SELECT oid FROM ours)
UNION ALL
SELECT format('%s %s | owner %s%s | %s',
              CASE c.relkind WHEN 'v' THEN 'view' WHEN 'S' THEN 'sequence' WHEN 'p' THEN 'partitioned table' WHEN 'r' THEN
                  CASE WHEN c.relispartition THEN 'partition' ELSE 'table' END ELSE 'relation of kind ' || c.relkind::text END,
              c.relname, pg_temp.role(c.relowner),
              CASE WHEN c.relkind IN ('r', 'p') THEN
                       CASE WHEN c.relrowsecurity AND c.relforcerowsecurity THEN ' | row security forced'
                            WHEN c.relrowsecurity THEN ' | row security' ELSE ' | NO ROW SECURITY' END
                   WHEN c.relkind = 'v' THEN
                       CASE WHEN 'security_invoker=true' = ANY (c.reloptions) THEN ' | as who asks' ELSE ' | AS ITS OWNER' END END,
              pg_temp.rights(c.relacl, CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))
FROM pg_class c WHERE c.relnamespace IN (SELECT oid FROM ours) AND c.relkind NOT IN ('i', 'I', 'c', 't')
UNION ALL
SELECT format('column %s.%s | %s', c.relname, a.attname, pg_temp.rights(a.attacl, 'c', c.relowner))
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace IN (SELECT oid FROM ours) AND a.attacl IS NOT NULL
UNION ALL
SELECT format('policy %s of %s | %s | to %s | using %s | check %s%s', p.polname, c.relname,
              CASE p.polcmd WHEN '*' THEN 'all' WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update' ELSE 'delete' END,
              (SELECT string_agg(pg_temp.role(r), ' ' ORDER BY pg_temp.role(r)) FROM unnest(p.polroles) r),
              COALESCE(pg_get_expr(p.polqual, p.polrelid), '-'), COALESCE(pg_get_expr(p.polwithcheck, p.polrelid), '-'),
              CASE WHEN p.polpermissive THEN '' ELSE ' | restrictive' END)
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace IN (SELECT oid FROM ours)
UNION ALL
SELECT format('trigger %s of %s | calls %s | %s', t.tgname, c.relname, t.tgfoid::regproc,
              CASE t.tgenabled WHEN 'O' THEN 'enabled' WHEN 'A' THEN 'always' ELSE 'NOT ENABLED' END)
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace IN (SELECT oid FROM ours) AND NOT t.tgisinternal AND t.tgparentid = 0
UNION ALL
SELECT format('type %s%s | owner %s | %s', t.typname, CASE WHEN c.relkind IN ('r', 'p', 'v') THEN ' (rows)' END, pg_temp.role(t.typowner),
              pg_temp.rights(t.typacl, 'T', t.typowner))
FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE t.typnamespace IN (SELECT oid FROM ours) AND NOT (t.typelem <> 0 AND t.typlen = -1)
UNION ALL
SELECT format('function %s(%s) | owner %s | %s %s parallel %s%s%s%s | %s | %s', p.proname, oidvectortypes(p.proargtypes),
              pg_temp.role(p.proowner), l.lanname,
              CASE p.provolatile WHEN 'v' THEN 'volatile' WHEN 's' THEN 'stable' ELSE 'immutable' END,
              CASE p.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' ELSE 'unsafe' END,
              CASE WHEN p.proisstrict THEN ' strict' END, CASE WHEN p.proleakproof THEN ' LEAKPROOF' END,
              CASE WHEN p.prosecdef THEN ' DEFINER' END, COALESCE(array_to_string(p.proconfig, '; '), 'no settings'),
              pg_temp.rights(p.proacl, 'f', p.proowner))
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.pronamespace IN (SELECT oid FROM ours)
UNION ALL
SELECT format('%s of kind %s | in schema instagram_insights', pg_describe_object(d.classid, d.objid, 0), d.classid::regclass)
FROM pg_depend d
WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid IN (SELECT oid FROM ours)
  AND d.classid NOT IN ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass, 'pg_extension'::regclass)
UNION ALL
SELECT format('default privileges of %s in %s | %s', pg_temp.role(d.defaclrole), COALESCE(d.defaclnamespace::regnamespace::text, 'all schemas'), d.defaclacl)
FROM pg_default_acl d;

CREATE TEMP TABLE agreed (number serial, line text);
\copy agreed (line) FROM 'test/pgtap/catalog.list' WITH (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02')
DELETE FROM agreed WHERE line = '' OR line IS NULL OR line LIKE '#%';
CREATE TEMP VIEW listed AS SELECT number, regexp_replace(line, ' -- .*$', '') AS line, substring(line FROM ' -- (.*)$') AS reason FROM agreed;

SELECT cmp_ok((SELECT count(*) FROM listed), '>=', 150::bigint, '(the list was read)');
SELECT is((SELECT string_agg(E'\n' || f.line, '' ORDER BY f.line COLLATE "C") FROM found f WHERE f.line NOT IN (SELECT l.line FROM listed l)),
          NULL, 'everything there is, is on the list');
SELECT is((SELECT string_agg(E'\n' || l.line, '' ORDER BY l.number) FROM listed l WHERE l.line NOT IN (SELECT f.line FROM found f)),
          NULL, 'everything on the list is there');
SELECT is((SELECT string_agg(l.line, E'\n') FROM (SELECT line FROM listed GROUP BY line HAVING count(*) > 1) l), NULL, 'nothing is listed twice');

-- What no line of the list may say, whoever agreed to it
SELECT is((SELECT string_agg(f.line, E'\n') FROM found f WHERE f.line ~ 'PUBLIC='), NULL, 'PUBLIC has no right on anything: schema, relation, column, type, function');
SELECT is((SELECT string_agg(f.line, E'\n') FROM found f WHERE f.line ~ '=[A-Z,]*\*'), NULL, 'nobody may hand a right on');
SELECT is((SELECT string_agg(f.line, E'\n') FROM found f WHERE f.line LIKE 'default privileges%'), NULL, 'no default privileges were left behind');
SELECT is((SELECT string_agg(f.line, E'\n') FROM found f WHERE f.line ~ 'NO ROW SECURITY|\| row security \|'), NULL, 'row level security is forced on every table');
SELECT is((SELECT string_agg(c.relname, ' ') FROM pg_class c WHERE c.relnamespace IN (SELECT oid FROM ours) AND c.relkind IN ('r', 'p')
             AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)), NULL, 'every table has a policy');
SELECT is((SELECT string_agg(f.line, E'\n') FROM found f WHERE f.line ~ 'AS ITS OWNER'), NULL, 'no view shows what its owner sees');
SELECT is((SELECT string_agg(f.line, E'\n') FROM found f WHERE f.line ~ 'LEAKPROOF'), NULL, 'no function passes a policy as leakproof');
SELECT is((SELECT string_agg(f.line, E'\n') FROM found f WHERE f.line ~ 'DEFINER' AND f.line !~ 'search_path=pg_catalog, pg_temp'), NULL,
          'every definer function pins its search_path');
SELECT is((SELECT string_agg(l.line, E'\n') FROM listed l WHERE l.line ~ 'owner superuser .* DEFINER' AND COALESCE(length(l.reason), 0) < 20), NULL,
          'the list gives a reason for each function that runs as a superuser; the others run as the worker role');
SELECT is((SELECT string_agg(l.line, E'\n') FROM listed l WHERE l.line ~ 'owner superuser .* DEFINER' AND l.line ~ 'user=EXECUTE'), NULL,
          '... and users call none of them');
SELECT is((SELECT string_agg(pg_describe_object(d.classid, d.objid, d.objsubid), ', ')
           FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'instagram_insights'
           LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
           LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
           LEFT JOIN pg_type t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid
           WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
             AND COALESCE(p.pronamespace, c.relnamespace, t.typnamespace, 0) NOT IN (SELECT oid FROM ours)), NULL,
          'the extension owns nothing outside its schema');
SELECT * FROM finish();
ROLLBACK;
