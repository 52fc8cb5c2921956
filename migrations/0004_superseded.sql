-- Keys whose result gave way to another content (`--force`, another input, the remote's winner). What was made
-- from the content before may still be filed at its own key.
CREATE TABLE superseded (
  key BLOB PRIMARY KEY, -- the key
  created REAL NOT NULL -- when its content changed last
) WITHOUT ROWID;
