-- What actions need, so that gc need not open the files of each. NULL: nobody has looked yet, or a luisy has filed the
-- action that did not know of this column; gc reads the files then, and fills it in.
ALTER TABLE actions ADD COLUMN needs BLOB; -- first 8 bytes of the digests of manifest, outputs, parts, sources; CRC-32
