-- The files of external tasks as a run found them last: what a push may say of them, and what plain blobs of other
-- systems turned out to be. No file stands behind these rows: what is lost comes back with the next run.
CREATE TABLE externals (
  project TEXT NOT NULL,  -- project name
  name TEXT NOT NULL,     -- of the ref: path of the first output below the project's folder
  manifest BLOB NOT NULL, -- digest of the content
  outputs TEXT NOT NULL,  -- JSON array: of each output its name, in hexadecimal digits, and its absolute path
  url TEXT NOT NULL,      -- the remote that they came from, without secrets; empty for this machine's own files
  raw TEXT NOT NULL,      -- JSON object: the plain blobs there that they were hashed from, each with ETag and size
  PRIMARY KEY (project, name)
) WITHOUT ROWID;
