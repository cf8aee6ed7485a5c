#!/bin/bash
# What the triggers that mark late writes cost: rows stored a second, as the worker stores them, with and without them.
#
#   PGHOST=/socket/folder PGDATABASE=scratch bench/reading/marks.sh     (its rows are deleted again)
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
sql() { psql -XAtq -v ON_ERROR_STOP=1 "$@"; }
sql -c "SET client_min_messages = warning" -c "INSERT INTO instagram_insights.accounts (user_id, account_id)
    SELECT ('00000000-0000-4000-9000-' || lpad(u::text, 12, '0'))::uuid, 'marks' FROM generate_series(1, 100) u ON CONFLICT DO NOTHING"
store() {
    cat <<SQL
\\set u random(1, 100)
\\set s random(1, 30000000)
INSERT INTO instagram_insights.insights AS t (user_id, account_id, metric, end_time, value)
SELECT ('00000000-0000-4000-9000-' || lpad(:u::text, 12, '0'))::uuid, 'marks', m.name, now() - interval '$1' - :s * interval '$2', 1
FROM unnest(ARRAY['reach', 'follower_count', 'profile_views', 'accounts_engaged', 'followers_count']) m(name)
ON CONFLICT (user_id, account_id, metric, period, end_time) DO UPDATE SET value = EXCLUDED.value
WHERE t.value IS DISTINCT FROM EXCLUDED.value;
SQL
}
store '1 hour' '7 milliseconds' >"$scratch/fresh.sql"
store '30 days' '1 second' >"$scratch/late.sql"
# As a first sync does: 29 days of 4 metrics by one statement.
cat >"$scratch/first.sql" <<'SQL'
\set u random(1, 100)
\set s random(1, 30000000)
INSERT INTO instagram_insights.insights AS t (user_id, account_id, metric, end_time, value)
SELECT ('00000000-0000-4000-9000-' || lpad(:u::text, 12, '0'))::uuid, 'marks', m.name,
       now() - interval '30 days' - :s * interval '1 second' - d * interval '1 day', 1
FROM unnest(ARRAY['reach', 'views', 'profile_views', 'accounts_engaged']) m(name), generate_series(1, 29) d
ON CONFLICT (user_id, account_id, metric, period, end_time) DO UPDATE SET value = EXCLUDED.value
WHERE t.value IS DISTINCT FROM EXCLUDED.value;
SQL
# rate FILE STATEMENTS ROWS-OF-EACH
rate() { pgbench -n -t "$2" -f "$scratch/$1.sql" 2>&1 | awk -v rows="$3" '/^tps/ { printf "%.0f", $3 * rows }'; }
for state in 'ENABLE ALWAYS' DISABLE 'ENABLE ALWAYS' DISABLE 'ENABLE ALWAYS'; do
    for trigger in late_insert late_update late_delete; do
        sql -c "ALTER TABLE instagram_insights.insights $state TRIGGER $trigger"
    done
    echo "$state: $(rate fresh 4000 5) rows a second of the last days, $(rate late 4000 5) older ones, $(rate first 500 116) of first syncs"
done
sql -c "DELETE FROM instagram_insights.accounts WHERE account_id = 'marks'" -c "UPDATE instagram_insights.rollup_state SET closed_before = '-infinity'"
