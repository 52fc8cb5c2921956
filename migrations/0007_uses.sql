-- When results were last used by a run, to the day. No file stands behind these rows: gc deletes nothing for a while
-- after a rebuild.
CREATE TABLE uses (
  key BLOB PRIMARY KEY, -- actions.key
  used REAL NOT NULL    -- when
) WITHOUT ROWID;

-- What the newest run of each project whose root was done at its end has used. gc leaves it alone.
CREATE TABLE complete_runs (
  project TEXT PRIMARY KEY, -- project name
  keys BLOB NOT NULL        -- actions.key of its results, 32 bytes each, sorted
) WITHOUT ROWID;
