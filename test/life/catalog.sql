-- Everything the catalog knows of the extension, one JSON line [object, property, value] each, without OIDs and in no
-- order, so that two installations can be compared. Each class of object has its own query, and all are one statement.
SET search_path = pg_catalog, pg_temp;
WITH ours AS (
    SELECT 'instagram_insights'::regnamespace::oid AS namespace
), relation AS (
    SELECT c.*, c.relname::text AS name FROM pg_class c, ours WHERE c.relnamespace = ours.namespace
), function AS (
    SELECT p.*, p.oid::regprocedure::text AS name FROM pg_proc p, ours WHERE p.pronamespace = ours.namespace
), type AS (
    SELECT t.*, t.typname::text AS name FROM pg_type t, ours WHERE t.typnamespace = ours.namespace
), wanted_role AS (
    SELECT r.* FROM pg_roles r WHERE r.rolname LIKE 'instagram\_insights\_%'
), acl (object, acl) AS (
    SELECT 'relation ' || name, relacl FROM relation
    UNION ALL SELECT 'column ' || r.name || '.' || a.attname, a.attacl
              FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid WHERE a.attnum > 0 AND NOT a.attisdropped
    UNION ALL SELECT 'function ' || name, COALESCE(proacl, acldefault('f', proowner)) FROM function
    UNION ALL SELECT 'type ' || name, COALESCE(typacl, acldefault('T', typowner)) FROM type
    UNION ALL SELECT 'schema ' || n.nspname, n.nspacl FROM pg_namespace n JOIN ours ON n.oid = ours.namespace
    UNION ALL SELECT 'first rights of ' || pg_describe_object(i.classoid, i.objoid, i.objsubid), i.initprivs
              FROM pg_init_privs i JOIN pg_depend d ON d.classid = i.classoid AND d.objid = i.objoid AND d.deptype = 'e'
              JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
              WHERE e.extname = 'instagram_insights'
), commented (object, class, oid, part) AS (
    SELECT 'relation ' || name, 'pg_class'::regclass, oid, 0 FROM relation
    UNION ALL SELECT 'column ' || r.name || '.' || a.attname, 'pg_class'::regclass, r.oid, a.attnum
              FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid WHERE a.attnum > 0 AND NOT a.attisdropped
    UNION ALL SELECT 'function ' || name, 'pg_proc'::regclass, oid, 0 FROM function
    UNION ALL SELECT 'type ' || name, 'pg_type'::regclass, oid, 0 FROM type
    UNION ALL SELECT 'policy ' || p.polname || ' of ' || r.name, 'pg_policy'::regclass, p.oid, 0
              FROM pg_policy p JOIN relation r ON r.oid = p.polrelid
    UNION ALL SELECT 'trigger ' || t.tgname || ' of ' || r.name, 'pg_trigger'::regclass, t.oid, 0
              FROM pg_trigger t JOIN relation r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal
    UNION ALL SELECT 'constraint ' || c.conname || ' of ' || r.name, 'pg_constraint'::regclass, c.oid, 0
              FROM pg_constraint c JOIN relation r ON r.oid = c.conrelid
    UNION ALL SELECT 'schema', 'pg_namespace'::regclass, namespace, 0 FROM ours
    UNION ALL SELECT 'extension', 'pg_extension'::regclass, e.oid, 0
              FROM pg_extension e WHERE e.extname = 'instagram_insights'
), found (object, properties) AS (
    SELECT 'extension', jsonb_build_object('version', e.extversion, 'schema', e.extnamespace::regnamespace::text,
               'owner', pg_get_userbyid(e.extowner), 'relocatable', e.extrelocatable)
    FROM pg_extension e WHERE e.extname = 'instagram_insights'
    UNION ALL
    SELECT 'dump of ' || c.relname, jsonb_build_object('condition', dumped.condition)
    FROM pg_extension e, unnest(e.extconfig, e.extcondition) dumped (relation, condition)
    JOIN pg_class c ON c.oid = dumped.relation WHERE e.extname = 'instagram_insights'
    UNION ALL
    SELECT 'member ' || pg_describe_object(d.classid, d.objid, d.objsubid), jsonb_build_object('kind', d.deptype)
    FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
    WHERE e.extname = 'instagram_insights'
    UNION ALL
    SELECT 'need of ' || pg_describe_object(d.classid, d.objid, d.objsubid),
           jsonb_object_agg(pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid), d.deptype)
    FROM pg_depend d
    JOIN (SELECT 'pg_class'::regclass AS class, oid FROM relation
          UNION ALL SELECT 'pg_proc'::regclass, oid FROM function
          UNION ALL SELECT 'pg_rewrite'::regclass, w.oid FROM pg_rewrite w JOIN relation r ON r.oid = w.ev_class) o
      ON o.class = d.classid AND o.oid = d.objid
    GROUP BY d.classid, d.objid, d.objsubid
    UNION ALL
    SELECT 'schema ' || n.nspname, jsonb_build_object('owner', pg_get_userbyid(n.nspowner))
    FROM pg_namespace n JOIN ours ON n.oid = ours.namespace
    UNION ALL
    SELECT 'relation ' || r.name, jsonb_build_object('kind', r.relkind, 'owner', pg_get_userbyid(r.relowner),
               'persistence', r.relpersistence, 'row security', r.relrowsecurity, 'forced', r.relforcerowsecurity,
               'options', r.reloptions, 'replica identity', r.relreplident,
               'partition', pg_get_expr(r.relpartbound, r.oid),
               'access method', (SELECT m.amname FROM pg_am m WHERE m.oid = r.relam), 'part of',
               (SELECT string_agg(h.inhparent::regclass::text, ',') FROM pg_inherits h WHERE h.inhrelid = r.oid),
               'partitioned by', CASE WHEN r.relkind = 'p' THEN pg_get_partkeydef(r.oid) END,
               'view', CASE WHEN r.relkind IN ('v', 'm') THEN pg_get_viewdef(r.oid) END)
    FROM relation r
    UNION ALL
    SELECT 'sequence ' || r.name, to_jsonb(s) - 'seqrelid' FROM pg_sequence s JOIN relation r ON r.oid = s.seqrelid
    UNION ALL
    SELECT 'column ' || r.name || '.' || a.attname,
           jsonb_build_object('place', row_number() OVER (PARTITION BY r.oid ORDER BY a.attnum),
               'type', format_type(a.atttypid, a.atttypmod), 'not null', a.attnotnull, 'identity', a.attidentity,
               'generated', a.attgenerated, 'default', pg_get_expr(d.adbin, d.adrelid),
               'collation', a.attcollation::regcollation::text, 'storage', a.attstorage, 'compression', a.attcompression,
               'statistics', a.attstattarget, 'options',
               -- What a server notes there for itself, under a name of its own, is no part of what was said.
               (SELECT jsonb_agg(o ORDER BY o) FROM unnest(a.attoptions) o WHERE o NOT LIKE 'pg\_%'))
    FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT 'constraint ' || c.conname || ' of ' || r.name,
           jsonb_build_object('definition', pg_get_constraintdef(c.oid), 'valid', c.convalidated, 'local', c.conislocal,
               'inherited', c.coninhcount, 'not inherited', c.connoinherit)
    FROM pg_constraint c JOIN relation r ON r.oid = c.conrelid
    UNION ALL
    SELECT 'index ' || r.name, jsonb_build_object('definition', pg_get_indexdef(i.indexrelid), 'valid', i.indisvalid,
               'ready', i.indisready, 'clustered', i.indisclustered, 'identity', i.indisreplident)
    FROM pg_index i JOIN relation r ON r.oid = i.indexrelid
    UNION ALL
    SELECT 'statistics ' || s.stxname, jsonb_build_object('definition', pg_get_statisticsobjdef(s.oid))
    FROM pg_statistic_ext s, ours WHERE s.stxnamespace = ours.namespace
    UNION ALL
    SELECT 'policy ' || p.polname || ' of ' || r.name,
           jsonb_build_object('for', p.polcmd, 'permissive', p.polpermissive,
               'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid), 'roles',
               (SELECT jsonb_agg(CASE m WHEN 0 THEN 'public' ELSE pg_get_userbyid(m)::text END ORDER BY 1)
                FROM unnest(p.polroles) m))
    FROM pg_policy p JOIN relation r ON r.oid = p.polrelid
    UNION ALL
    SELECT 'trigger ' || t.tgname || ' of ' || r.name,
           jsonb_build_object('definition', pg_get_triggerdef(t.oid), 'enabled', t.tgenabled)
    FROM pg_trigger t JOIN relation r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal
    UNION ALL
    SELECT 'rule ' || w.rulename || ' of ' || r.name, jsonb_build_object('definition', pg_get_ruledef(w.oid))
    FROM pg_rewrite w JOIN relation r ON r.oid = w.ev_class
    UNION ALL
    SELECT 'function ' || f.name, jsonb_build_object('owner', pg_get_userbyid(f.proowner), 'kind', f.prokind,
               'language', (SELECT l.lanname FROM pg_language l WHERE l.oid = f.prolang), 'body', f.prosrc,
               'library', f.probin, 'parsed body', pg_get_function_sqlbody(f.oid),
               'arguments', pg_get_function_arguments(f.oid),
               'result', pg_get_function_result(f.oid), 'volatility', f.provolatile, 'parallel', f.proparallel,
               'definer', f.prosecdef, 'leakproof', f.proleakproof, 'strict', f.proisstrict, 'settings', f.proconfig,
               'cost', f.procost, 'rows', f.prorows, 'support', f.prosupport::text)
    FROM function f
    UNION ALL
    SELECT 'type ' || t.name, jsonb_build_object('kind', t.typtype, 'owner', pg_get_userbyid(t.typowner),
               'category', t.typcategory, 'not null', t.typnotnull, 'default', t.typdefault,
               'base', t.typbasetype::regtype::text, 'checks',
               (SELECT jsonb_agg(pg_get_constraintdef(c.oid) ORDER BY c.conname)
                FROM pg_constraint c WHERE c.contypid = t.oid),
               'labels', (SELECT jsonb_agg(l.enumlabel ORDER BY l.enumsortorder)
                          FROM pg_enum l WHERE l.enumtypid = t.oid))
    FROM type t
    UNION ALL
    SELECT 'role ' || r.rolname, to_jsonb(r) - 'oid'
               || jsonb_build_object('comment', shobj_description(r.oid, 'pg_authid'), 'member of',
               (SELECT jsonb_agg(pg_get_userbyid(m.roleid) ORDER BY 1) FROM pg_auth_members m WHERE m.member = r.oid))
    FROM wanted_role r
    UNION ALL
    SELECT 'rights of ' || a.object,
           jsonb_object_agg(CASE x.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(x.grantee)::text END, x.rights)
    FROM acl a,
         LATERAL (SELECT e.grantee,
                         string_agg(e.privilege_type || CASE WHEN e.is_grantable THEN ' with grant' ELSE '' END
                                    || ' by ' || pg_get_userbyid(e.grantor), ', ' ORDER BY e.privilege_type) AS rights
                  FROM aclexplode(a.acl) e GROUP BY e.grantee) x
    GROUP BY a.object
    UNION ALL
    SELECT c.object, jsonb_build_object('comment', obj.text)
    FROM commented c, LATERAL (SELECT d.description AS text FROM pg_description d
                               WHERE d.classoid = c.class AND d.objoid = c.oid AND d.objsubid = c.part) obj
    UNION ALL
    SELECT 'shipped metric ' || m.name, to_jsonb(m) FROM instagram_insights.metrics m WHERE m.builtin
)
SELECT jsonb_build_array(f.object, p.key, p.value)
FROM found f, jsonb_each(f.properties) p;
