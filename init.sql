-- The whole schema. Running this file makes it, or upgrades the schema of any earlier release; running it again is
-- harmless. It never stops a running service, so keep to these rules in a change:
--   1. Write CREATE TABLE as it is now, and the same change for older databases into "Upgrade". Raise the version there,
--      and NEEDED_VERSION in common/storage/schema.py. Keep each released file in tests/schemas.
--   2. A new column is nullable or has a constant default, because functions of the release before still insert rows.
--      A new constraint is NOT VALID: "Validate" checks the rows that are there.
--   3. A new index goes to "Indexes": CREATE INDEX CONCURRENTLY IF NOT EXISTS, as a statement of its own.

BEGIN;
SELECT pg_advisory_xact_lock(8675309);  -- Two runs at once would both create a table, and one of them would fail.

DO $$
BEGIN
    IF current_setting('server_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION 'The encoding of this database is %. It cannot hold every file name.',
            current_setting('server_encoding')
            USING HINT = 'Create a database with: CREATE DATABASE ... ENCODING ''UTF8'' TEMPLATE template0';
    END IF;
END $$;

-- A stored JPEG: written once with all its bytes, never changed.
CREATE TABLE IF NOT EXISTS images (
    id            uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    filename      text        NOT NULL CHECK (char_length(filename) BETWEEN 1 AND 255),
    content_type  text        NOT NULL DEFAULT 'image/jpeg' CHECK (content_type = 'image/jpeg'),
    data          bytea       NOT NULL,
    width         int         NOT NULL CHECK (width BETWEEN 1 AND 65500),
    height        int         NOT NULL CHECK (height BETWEEN 1 AND 65500),
    quality       int         NOT NULL CHECK (quality BETWEEN 1 AND 100),  -- a source's own may be over 95
    size_bytes    bigint      NOT NULL CHECK (size_bytes = octet_length(data) AND size_bytes > 0),
    source_format text        NOT NULL CHECK (source_format IN ('JPEG', 'PNG', 'WEBP', 'BMP', 'GIF')),
    created_at    timestamptz NOT NULL DEFAULT now(),
    sha256        bytea       NOT NULL CHECK (octet_length(sha256) = 32),  -- of data: the ETag
    source        jsonb,  -- what the caller sent. NULL: stored by release 0.1.0
    applied       text[]  -- what the conversion did to it. NULL: stored by release 0.1.0
);

-- With LOG_STORE=database: the newest log lines, whose ids are in the order in which they can be read.
CREATE TABLE IF NOT EXISTS logs (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    line text   NOT NULL
);

-- The versions that this database has had. Release 0.1.0 recorded none: it is version 1. completed_at is NULL until the
-- constraints of the version are validated and its indexes are built; functions run before that.
CREATE TABLE IF NOT EXISTS schema_versions (
    version      int         PRIMARY KEY,
    completed_at timestamptz
);
COMMIT;

-- One upgrade at a time: this lock is held until the end of the file. It is the session's, because an index is built
-- outside of a transaction. If nothing is left to do, take no lock: a pooler may give its session to somebody else.
DO $$
BEGIN
    IF EXISTS (SELECT FROM schema_versions WHERE version >= 2 AND completed_at IS NOT NULL) THEN
        RETURN;
    END IF;
    FOR attempt IN 1..6000 LOOP
        IF pg_try_advisory_lock(8675310) THEN
            RETURN;
        END IF;
        COMMIT;  -- The build of an index waits for every older snapshot: hold none while waiting for it.
        PERFORM pg_sleep(0.1);
    END LOOP;
    RAISE EXCEPTION 'Another upgrade of this database has not ended within ten minutes.'
        USING HINT = 'pg_locks names the session that holds the advisory lock 8675310.';
END $$;

-- Upgrade: everything that locks out readers and writers for a moment. All of it changes the catalogs alone and takes
-- milliseconds. A session that waits for such a lock makes later ones wait behind it. So give up after 250 ms, let
-- the others pass, and try again: a transaction that reads a table for long (pg_dump) stops nobody but this upgrade.
DO $$
DECLARE
    broken regclass;
BEGIN
    IF EXISTS (SELECT FROM schema_versions WHERE version >= 2 AND completed_at IS NOT NULL) THEN
        RETURN;
    END IF;
    SET LOCAL lock_timeout = '250ms';
    FOR attempt IN 1..60 LOOP
        BEGIN
            ALTER TABLE images
                -- A JPEG does not compress again, and a range of an uncompressed value is read as a slice.
                ALTER COLUMN data SET STORAGE EXTERNAL,
                ADD COLUMN IF NOT EXISTS source jsonb,
                ADD COLUMN IF NOT EXISTS applied text[],
                DROP CONSTRAINT IF EXISTS images_quality_check,
                ADD CONSTRAINT images_quality_check CHECK (quality BETWEEN 1 AND 100) NOT VALID;
            -- A build that broke off leaves an invalid index, and IF NOT EXISTS takes it for a good one. Drop it, so
            -- that it is built again below. The indexes of a running REINDEX CONCURRENTLY are none of these.
            FOR broken IN
                SELECT indexrelid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
                WHERE indrelid IN ('images'::regclass, 'logs'::regclass) AND NOT indisvalid
                    AND relname !~ '_cc(new|old)\d*$'
            LOOP
                EXECUTE format('DROP INDEX %s', broken);
            END LOOP;
            GRANT SELECT ON schema_versions TO PUBLIC;  -- A function may have a role of its own.
            INSERT INTO schema_versions (version) VALUES (2) ON CONFLICT DO NOTHING;
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_sleep(0.75);
        END;
    END LOOP;
    RAISE EXCEPTION 'The tables are in use without a pause, for example by pg_dump: the schema is not upgraded.'
        USING HINT = 'Nothing is half done. Run this file again later.';
END $$;

-- Validate: reads every row, and locks out nobody.
BEGIN;
SET LOCAL statement_timeout = 0;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'images'::regclass AND conname = 'images_quality_check'
        AND NOT convalidated)
    THEN
        ALTER TABLE images VALIDATE CONSTRAINT images_quality_check;
    END IF;
END $$;
COMMIT;

-- Indexes: none yet.

UPDATE schema_versions SET completed_at = now() WHERE version = 2 AND completed_at IS NULL
    AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid IN ('images'::regclass, 'logs'::regclass) AND NOT indisvalid);
SELECT pg_advisory_unlock(8675310) FROM pg_locks
    WHERE locktype = 'advisory' AND objid = 8675310 AND pid = pg_backend_pid();
