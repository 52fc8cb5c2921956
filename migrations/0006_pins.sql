-- Names that keep actions alive.
CREATE TABLE pins (
  name TEXT PRIMARY KEY, -- given by the user
  key BLOB NOT NULL,     -- actions.key
  created REAL NOT NULL  -- when it was set
) WITHOUT ROWID;
