-- One account fetched in this session, another by the worker, waited for; what is not stored is an error.
CREATE EXTENSION instagram_insights;
SET instagram_insights.user_id = '00000000-0000-0000-0000-00000000000a';
SELECT count(*) FROM instagram_insights.ig_connect_token('EAAsandbox000000000001', '17841400000000001');
SELECT count(*) FROM instagram_insights.ig_connect_token('IGAAsandbox000000000002', '17841400000000002', login => 'instagram');
SELECT account_id, status FROM instagram_insights.ig_fetch_insights(account_id => '17841400000000001');
SELECT count(*) FROM instagram_insights.ig_refresh_insights();
DO $$
DECLARE
    last timestamptz := clock_timestamp() + interval '4 minutes';
BEGIN
    WHILE EXISTS (SELECT FROM instagram_insights.sync_jobs WHERE state = ANY ('{queued,running,waiting}')) LOOP
        IF clock_timestamp() > last THEN
            RAISE EXCEPTION 'the worker does not get its work done';
        END IF;
        COMMIT;
    END LOOP;
    IF 2 <> (SELECT count(DISTINCT account_id) FROM instagram_insights.insights)
       OR 2 <> (SELECT count(*) FROM instagram_insights.sync_jobs WHERE state = 'succeeded') THEN
        RAISE EXCEPTION 'not all was stored: %', (SELECT string_agg(j::text, '; ') FROM instagram_insights.sync_jobs j);
    END IF;
END
$$;
