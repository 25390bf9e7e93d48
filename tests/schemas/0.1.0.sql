-- The whole schema. Running it again is harmless, also while the service runs or beside another run.
BEGIN;
SELECT pg_advisory_xact_lock(8675309);

-- A stored JPEG: written once with all its bytes, never changed.
CREATE TABLE IF NOT EXISTS images (
    id            uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    filename      text        NOT NULL CHECK (char_length(filename) BETWEEN 1 AND 255),
    content_type  text        NOT NULL DEFAULT 'image/jpeg' CHECK (content_type = 'image/jpeg'),
    data          bytea       NOT NULL,
    width         int         NOT NULL CHECK (width BETWEEN 1 AND 65500),
    height        int         NOT NULL CHECK (height BETWEEN 1 AND 65500),
    quality       int         NOT NULL CHECK (quality BETWEEN 1 AND 95),
    size_bytes    bigint      NOT NULL CHECK (size_bytes = octet_length(data) AND size_bytes > 0),
    source_format text        NOT NULL CHECK (source_format IN ('JPEG', 'PNG', 'WEBP', 'BMP', 'GIF')),
    created_at    timestamptz NOT NULL DEFAULT now(),
    sha256        bytea       NOT NULL CHECK (octet_length(sha256) = 32)  -- of data: the ETag
);

-- A JPEG does not compress again, and without compression a range of it is read as a slice.
DO $$
BEGIN
    IF (SELECT attstorage <> 'e' FROM pg_attribute WHERE attrelid = 'images'::regclass AND attname = 'data') THEN
        ALTER TABLE images ALTER COLUMN data SET STORAGE EXTERNAL;
    END IF;
END $$;

-- With LOG_STORE=database: the newest log lines, whose ids are in the order in which they can be read.
CREATE TABLE IF NOT EXISTS logs (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    line text   NOT NULL
);
COMMIT;
