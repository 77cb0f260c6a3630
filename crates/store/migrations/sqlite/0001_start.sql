-- Times are milliseconds since 1970 UTC, hashes are bytes. The PostgreSQL folder declares the same.

CREATE TABLE ledger (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    prev BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE TABLE generation (
    counter TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;

CREATE TABLE project (
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    display_name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    deleted_at INTEGER,
    generation INTEGER NOT NULL,
    PRIMARY KEY (source, name)
) STRICT;
CREATE INDEX project_by_generation ON project (generation);

CREATE TABLE file (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    project TEXT NOT NULL,
    version TEXT NOT NULL,
    filename TEXT NOT NULL,
    filetype TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    md5 BLOB NOT NULL,
    blake2_256 BLOB NOT NULL,
    size INTEGER NOT NULL,
    upload_time INTEGER NOT NULL,
    requires_python TEXT,
    metadata_sha256 BLOB,
    metadata_json TEXT NOT NULL,
    uploader TEXT NOT NULL,
    yanked INTEGER NOT NULL,
    yanked_reason TEXT,
    deleted_at INTEGER,
    UNIQUE (source, filename),
    FOREIGN KEY (source, project) REFERENCES project (source, name)
) STRICT;
CREATE INDEX file_by_project ON file (source, project);
CREATE INDEX file_by_sha256 ON file (sha256);
CREATE INDEX file_by_metadata ON file (metadata_sha256);

CREATE TABLE pin (
    source TEXT NOT NULL,
    project TEXT NOT NULL,
    filename TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    size INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (source, project, filename)
) STRICT;
CREATE INDEX pin_by_sha256 ON pin (sha256);

CREATE TABLE page (
    source TEXT NOT NULL,
    project TEXT NOT NULL,
    body BLOB NOT NULL,
    content_kind TEXT NOT NULL,
    etag TEXT,
    last_modified TEXT,
    fetched_at INTEGER NOT NULL,
    checked_at INTEGER NOT NULL,
    claims BLOB NOT NULL,
    generation INTEGER NOT NULL,
    PRIMARY KEY (source, project)
) STRICT;

CREATE TABLE sidecar (
    source TEXT NOT NULL,
    project TEXT NOT NULL,
    filename TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    origin TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (source, project, filename)
) STRICT;
CREATE INDEX sidecar_by_sha256 ON sidecar (sha256);

CREATE TABLE owned_name (
    id INTEGER PRIMARY KEY,
    pattern TEXT NOT NULL,
    origin TEXT NOT NULL,
    since INTEGER NOT NULL,
    who TEXT NOT NULL,
    released_at INTEGER,
    released_by TEXT
) STRICT;
CREATE UNIQUE INDEX owned_name_once ON owned_name (pattern, origin) WHERE released_at IS NULL;

CREATE TABLE prohibited_name (
    id INTEGER PRIMARY KEY,
    pattern TEXT NOT NULL,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL,
    who TEXT NOT NULL,
    allowed_at INTEGER,
    allowed_by TEXT
) STRICT;
CREATE UNIQUE INDEX prohibited_name_once ON prohibited_name (pattern) WHERE allowed_at IS NULL;

CREATE TABLE token (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    revoked_at INTEGER,
    revoked_by TEXT
) STRICT;
CREATE UNIQUE INDEX token_name_once ON token (name) WHERE revoked_at IS NULL;

CREATE TABLE decision (
    id TEXT PRIMARY KEY,
    index_name TEXT NOT NULL,
    project TEXT NOT NULL,
    filename TEXT NOT NULL,
    version TEXT,
    sha256 BLOB,
    effect TEXT NOT NULL,
    rule TEXT NOT NULL,
    policy BLOB NOT NULL,
    policy_line TEXT NOT NULL,
    evidence TEXT NOT NULL,
    at INTEGER NOT NULL,
    superseded_at INTEGER
) STRICT;
CREATE UNIQUE INDEX decision_latest ON decision (index_name, project, filename)
    WHERE superseded_at IS NULL;
CREATE INDEX decision_by_time ON decision (at);

CREATE TABLE download (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    index_name TEXT NOT NULL,
    source TEXT NOT NULL,
    project TEXT NOT NULL,
    version TEXT,
    filename TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    size INTEGER NOT NULL,
    kind TEXT NOT NULL,
    token TEXT,
    client_addr TEXT,
    user_agent TEXT,
    installer TEXT,
    installer_version TEXT,
    python TEXT,
    distro TEXT,
    ci INTEGER,
    decision TEXT
) STRICT;
CREATE INDEX download_by_project ON download (project, at, id);
CREATE INDEX download_by_sha256 ON download (sha256, at, id);

CREATE TABLE alert (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    fingerprint BLOB NOT NULL UNIQUE,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    times INTEGER NOT NULL
) STRICT;
CREATE INDEX alert_by_time ON alert (last_at);
