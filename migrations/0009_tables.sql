-- Tables that tasks have written where they lie: nothing of them is in the store. No file stands behind these rows:
-- where one is lost, the table's task runs again.
CREATE TABLE tables (
  location TEXT PRIMARY KEY, -- the table's name, or its URI
  key BLOB NOT NULL,         -- key of the task that wrote it last
  inputs BLOB NOT NULL,      -- content digests of that task's inputs in order, 32 bytes each
  version TEXT NOT NULL,     -- what the table said its version is when that task had written it
  written REAL NOT NULL      -- when
) WITHOUT ROWID;
