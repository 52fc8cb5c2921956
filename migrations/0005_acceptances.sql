-- The word of a user that changed code is equivalent to earlier code: an earlier result counts for the new key.
CREATE TABLE acceptances (
  key BLOB PRIMARY KEY,       -- the key of the task with its new code
  action_key BLOB NOT NULL,   -- actions.key of the earlier result that counts for it
  project TEXT NOT NULL,      -- project name
  family TEXT NOT NULL,       -- Luigi's task family
  params TEXT NOT NULL,       -- public parameters as a JSON object
  fingerprint BLOB NOT NULL,  -- digest of the new code
  through BLOB NOT NULL,      -- keys of the acceptances that its inputs rest on, 32 bytes each
  proved INTEGER NOT NULL,    -- 1 if the new code was executed and made the same, else 0
  created REAL NOT NULL       -- when it was accepted
) WITHOUT ROWID;
