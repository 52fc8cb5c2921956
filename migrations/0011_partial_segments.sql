-- Of a large segment only the frames are merged that hold what was asked for. Which these are is told by the rows in
-- remote_frames; all blocks, and all words about bad bytes, are always there.
ALTER TABLE remote_segments ADD COLUMN whole INTEGER NOT NULL DEFAULT 1; -- 0 while some of its frames are not merged
CREATE INDEX remote_segments_partial ON remote_segments (namespace) WHERE whole = 0;
