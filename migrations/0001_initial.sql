-- The index of a store. It promises nothing that the files beside it do not hold: it can be rebuilt from them.
-- Digests and keys are BLOBs of 32 bytes (BLAKE3). Times are seconds since the epoch in UTC, sizes bytes.
-- A stat token is 32 bytes: inode, size, mtime_ns, ctime_ns of a file, or a digest over those of a folder's files.

-- Spans of writing between two syncs of one boot of one machine. A row of another table that names an epoch
-- was not known to be on disk then; with no epoch it is.
CREATE TABLE epochs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- grows; never used twice, so that a stale row finds no live epoch
  boot BLOB NOT NULL                    -- digest over machine id and boot id
);

-- Objects that were verified when they were written. A file without a row here is replaced, not trusted.
CREATE TABLE objects (
  digest BLOB PRIMARY KEY, -- BLAKE3 of the bytes; names the file
  size INTEGER NOT NULL,   -- bytes
  token BLOB NOT NULL,     -- stat token of the file when its bytes were verified
  epoch INTEGER            -- epochs.id in which it was written; NULL once synced
) WITHOUT ROWID;
CREATE INDEX objects_unsynced ON objects (epoch) WHERE epoch IS NOT NULL;

-- Task families, named once for all their actions.
CREATE TABLE tasks (
  id INTEGER PRIMARY KEY, -- what actions.task refers to
  project TEXT NOT NULL,  -- project name
  family TEXT NOT NULL,   -- Luigi's task family
  UNIQUE (project, family)
);

-- Actions: key -> manifest. The whole record is the action file; here is what resolving and listing need.
CREATE TABLE actions (
  id INTEGER PRIMARY KEY,       -- grows with every record, so a larger one is newer
  key BLOB NOT NULL UNIQUE,     -- names the action: the task's key, or key + trace
  base_key BLOB,                -- the task's key where `key` includes a trace, else NULL
  shallow_key BLOB,             -- the key by content of the inputs; NULL where early cutoff is not allowed
  task INTEGER NOT NULL,        -- tasks.id
  params_digest BLOB NOT NULL,  -- digest of all significant parameters
  fingerprint BLOB NOT NULL,    -- digest of the task's code
  params TEXT,                  -- public parameters as a JSON object; NULL if long (then only in the action file)
  manifest BLOB NOT NULL,       -- digest of the manifest object
  manifest_bytes BLOB,          -- the manifest itself while it is small, so that no file need be opened
  inputs BLOB NOT NULL,         -- content digests of the inputs in order, 32 bytes each
  size INTEGER NOT NULL,        -- bytes of all outputs
  seconds REAL NOT NULL,        -- how long run() took
  created REAL NOT NULL,        -- when it was made
  adopted INTEGER NOT NULL,     -- 1 if the files were there before luisy, else 0
  held_back TEXT NOT NULL       -- why it is not uploaded; empty if nothing is in the way
);
CREATE INDEX actions_base_key ON actions (base_key) WHERE base_key IS NOT NULL;
CREATE INDEX actions_shallow_key ON actions (shallow_key) WHERE shallow_key IS NOT NULL;
CREATE INDEX actions_task ON actions (task, params_digest);
CREATE INDEX actions_adopted ON actions (adopted) WHERE adopted = 1;

-- Deep keys whose result is another key's action (early cutoff).
CREATE TABLE aliases (
  key BLOB PRIMARY KEY,      -- the deep key that was asked for
  action_key BLOB NOT NULL,  -- actions.key that answers it
  created REAL NOT NULL      -- when it was found
) WITHOUT ROWID;

-- Files that a user had edited by hand, kept before luisy replaced them.
CREATE TABLE rescued (
  digest BLOB NOT NULL,   -- the file's object, or the manifest object of a folder
  path NOT NULL,          -- where it was: TEXT, or BLOB where the path is not UTF-8
  created REAL NOT NULL,  -- when it was rescued
  PRIMARY KEY (digest, path)
) WITHOUT ROWID;

-- What the workspace holds, as far as luisy wrote or hashed it.
CREATE TABLE placements (
  path PRIMARY KEY,       -- absolute: TEXT, or BLOB where the path is not UTF-8
  content BLOB NOT NULL,  -- digest of the output's own manifest
  token BLOB NOT NULL,    -- stat token when it held that content
  mode TEXT NOT NULL,     -- how its bytes came there: reflink, copy, hardlink
  made_by BLOB,           -- for a task that is not cacheable: digest of the code and parameters that wrote it
  epoch INTEGER           -- epochs.id in which it was written; NULL once synced
) WITHOUT ROWID;
CREATE INDEX placements_unsynced ON placements (epoch) WHERE epoch IS NOT NULL;

-- Digests of files that were hashed in place (external inputs), never of one modified within 2 s of hashing.
CREATE TABLE stat_cache (
  path PRIMARY KEY,       -- absolute: TEXT, or BLOB where the path is not UTF-8
  device INTEGER NOT NULL, -- st_dev, as a signed 64-bit number
  token BLOB NOT NULL,    -- stat token when it was hashed
  digest BLOB NOT NULL    -- BLAKE3 of its bytes
) WITHOUT ROWID;

-- Workspaces and when luisy first wrote to them: older files there may be adopted.
CREATE TABLE workspaces (
  path PRIMARY KEY,         -- absolute: TEXT, or BLOB where the path is not UTF-8
  first_used REAL NOT NULL  -- when
) WITHOUT ROWID;

-- Facts about the store itself.
CREATE TABLE facts (
  name TEXT PRIMARY KEY, -- `rebuilt`: when the index was last rebuilt
  value REAL NOT NULL    -- the fact
) WITHOUT ROWID;
