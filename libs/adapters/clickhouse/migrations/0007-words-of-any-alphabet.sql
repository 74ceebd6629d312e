-- Words whatever their case: `lower` knows the letters of ASCII only.
ALTER TABLE openings DROP INDEX IF EXISTS words;
ALTER TABLE openings ADD INDEX IF NOT EXISTS words_of_any_alphabet value
  TYPE text(tokenizer = 'splitByNonAlpha', preprocessor = lowerUTF8(value));

-- Waits for it: in a part without the index a word is found only as it is written.
ALTER TABLE openings MATERIALIZE INDEX words_of_any_alphabet SETTINGS mutations_sync = 2;
