-- What this store knows of remotes. Rows about segments are a cache: they may be dropped at any time and come back
-- with the next refresh. A row that came from a segment has an id of remote_segments.id * 2^24 + a number, and goes
-- with it.

-- Namespaces: one project in one remote.
CREATE TABLE remote_namespaces (
  id INTEGER PRIMARY KEY, -- what remote_segments.namespace refers to
  url TEXT NOT NULL,      -- the remote, without secrets
  project TEXT NOT NULL,  -- project name
  UNIQUE (url, project)
);

-- Segments that are merged.
CREATE TABLE remote_segments (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice
  namespace INTEGER NOT NULL,           -- remote_namespaces.id
  name TEXT NOT NULL,                   -- last part of the blob's name
  etag TEXT NOT NULL,                   -- the version that was merged
  size INTEGER NOT NULL,                -- bytes of its frames, unpacked
  supersedes TEXT NOT NULL,             -- names of the segments that it stands for, separated by spaces
  directory BLOB NOT NULL,              -- its directory as stored: blocks and frames
  UNIQUE (namespace, name)
);

-- Frames of segments as they came: the whole records, to read again and to fold.
CREATE TABLE remote_frames (
  id INTEGER PRIMARY KEY, -- segment * 2^24 + number of the frame
  data BLOB NOT NULL      -- stored bytes
);

-- Actions of segments, as resolving needs them.
CREATE TABLE remote_actions (
  id INTEGER PRIMARY KEY,       -- segment * 2^24 + number of the record
  key BLOB NOT NULL,            -- names the action
  rank INTEGER NOT NULL,        -- the least wins: ms when its slot was opened; negated if it supersedes
  slot BLOB NOT NULL,           -- uuid of that slot; the least wins among equal ranks
  frame INTEGER NOT NULL,       -- number of the frame with the whole record
  position INTEGER NOT NULL,    -- of the record in that frame
  base_key BLOB,                -- the task's key where `key` includes a trace, else NULL
  shallow_key BLOB,             -- the key by content of the inputs; NULL where early cutoff is not allowed
  family TEXT NOT NULL,         -- task family
  params_digest BLOB NOT NULL,  -- digest of all significant parameters
  fingerprint BLOB NOT NULL,    -- digest of the task's code
  manifest BLOB NOT NULL,       -- digest of the manifest object
  manifest_bytes BLOB,          -- the manifest itself while it is small
  inputs BLOB NOT NULL,         -- content digests of the inputs in order, 32 bytes each
  size INTEGER NOT NULL,        -- bytes of all outputs
  seconds REAL NOT NULL,        -- how long run() took
  created REAL NOT NULL,        -- when it was made
  adopted INTEGER NOT NULL      -- 1 if the files were there before luisy, else 0
);
CREATE INDEX remote_actions_key ON remote_actions (key);
CREATE INDEX remote_actions_base_key ON remote_actions (base_key) WHERE base_key IS NOT NULL;
CREATE INDEX remote_actions_shallow_key ON remote_actions (shallow_key) WHERE shallow_key IS NOT NULL;
CREATE INDEX remote_actions_params ON remote_actions (params_digest);

-- Manifests that refs name, or are about to.
CREATE TABLE remote_contents (
  id INTEGER PRIMARY KEY, -- segment * 2^24 + number of the record
  manifest BLOB NOT NULL, -- digest of the manifest object
  data BLOB               -- its bytes while they are few, else NULL
);
CREATE INDEX remote_contents_manifest ON remote_contents (manifest);

-- Names of blobs, once for all their locations.
CREATE TABLE remote_blobs (
  id INTEGER PRIMARY KEY, -- segment * 2^24 + number of the blob
  name TEXT NOT NULL      -- relative to the namespace
);

-- Where the bytes of objects are.
CREATE TABLE remote_locations (
  id INTEGER PRIMARY KEY,    -- segment * 2^24 + number of the record
  digest BLOB NOT NULL,      -- the object
  blob INTEGER NOT NULL,     -- remote_blobs.id
  start INTEGER NOT NULL,    -- offset of the first byte
  length INTEGER NOT NULL,   -- bytes stored
  encoding INTEGER NOT NULL, -- 0 raw, 1 zstd
  size INTEGER NOT NULL      -- bytes of the object
);
CREATE INDEX remote_locations_digest ON remote_locations (digest);

-- When actions were used.
CREATE TABLE remote_uses (
  id INTEGER PRIMARY KEY, -- segment * 2^24 + number of the record
  key BLOB NOT NULL,      -- the action
  used INTEGER NOT NULL   -- ms, by the server's clock
);
CREATE INDEX remote_uses_key ON remote_uses (key);

-- Locations that did not hold what they should.
CREATE TABLE remote_bads (
  id INTEGER PRIMARY KEY,  -- segment * 2^24 + number of the record
  digest BLOB NOT NULL,    -- the object
  blob TEXT NOT NULL,      -- where it should have been
  etag TEXT NOT NULL,      -- version of the blob then; starts with `gone ` if there was none
  mended INTEGER NOT NULL  -- 1 if a pusher has seen to it since
);

-- The same, seen by this store and not told in the remote yet.
CREATE TABLE remote_doubts (
  namespace INTEGER NOT NULL, -- remote_namespaces.id
  digest BLOB NOT NULL,       -- the object
  blob TEXT NOT NULL,         -- where it should have been
  etag TEXT NOT NULL,         -- as in remote_bads
  PRIMARY KEY (namespace, digest, blob, etag)
) WITHOUT ROWID;

-- Uploads that no commit covers yet: written before they begin, removed after the commit.
CREATE TABLE remote_uploads (
  namespace INTEGER NOT NULL, -- remote_namespaces.id
  blob TEXT NOT NULL,         -- relative to the namespace
  writer TEXT NOT NULL,       -- uuid in the blob's metadata
  etag TEXT,                  -- of the blob; NULL until it is known to be whole
  members BLOB NOT NULL,      -- MessagePack array of location records
  begun REAL NOT NULL,        -- when, by this machine's clock
  PRIMARY KEY (namespace, blob)
) WITHOUT ROWID;

-- The content that each ref had when this store last pushed or took it.
CREATE TABLE seen_refs (
  url TEXT NOT NULL,      -- the remote, without secrets
  project TEXT NOT NULL,  -- project name
  name TEXT NOT NULL,     -- of the ref
  manifest BLOB NOT NULL, -- digest of the manifest
  created REAL NOT NULL,  -- when it was seen
  PRIMARY KEY (url, project, name)
) WITHOUT ROWID;
