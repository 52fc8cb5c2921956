-- Who has signed what segments say. What was merged is a cache: it is dropped here and comes back with the next
-- refresh, with the blocks.
DELETE FROM remote_segments;
DELETE FROM remote_frames;
DELETE FROM remote_actions;
DELETE FROM remote_contents;
DELETE FROM remote_blobs;
DELETE FROM remote_locations;
DELETE FROM remote_uses;
DELETE FROM remote_bads;

-- Blocks of segments: one push each.
CREATE TABLE remote_blocks (
  id INTEGER PRIMARY KEY,   -- segment * 2^24 + number of the block
  signer BLOB NOT NULL,     -- public key of who is said to have signed it, 32 bytes; empty if nobody has
  verified INTEGER NOT NULL -- 1 if that is so, -1 if it is not, 0 if nobody has looked; 1 where nobody has signed
);
CREATE INDEX remote_blocks_unverified ON remote_blocks (signer) WHERE verified = 0;

ALTER TABLE remote_actions ADD COLUMN block INTEGER NOT NULL DEFAULT 0; -- remote_blocks.id
ALTER TABLE remote_bads ADD COLUMN block INTEGER; -- remote_blocks.id of the block that lists it, NULL if none does
