-- division-by-zero: an integer divided by zero
-- fails: DIVISION_BY_ZERO
CREATE TABLE snk (id INT, x INT) WITH ({to snk.json});
INSERT INTO snk SELECT id, 100 / id FROM facts;

-- bad-cast: a CAST of text that is no number
-- fails: CAST_FAILED
CREATE TABLE snk (id INT, x INT) WITH ({to snk.json});
INSERT INTO snk SELECT id, CAST(s AS INT) FROM facts;

-- null-into-not-null: NULL that goes into a NOT NULL column
-- fails: SQL_INSERT
CREATE TABLE snk (id INT NOT NULL, i INT NOT NULL) WITH ({to snk.json});
INSERT INTO snk SELECT id, i FROM facts;

-- never-null-into-not-null: a column that may be NULL, and never is, that goes into a NOT NULL column
-- refused: SQL_INSERT
CREATE TABLE snk (id INT NOT NULL) WITH ({to snk.json});
INSERT INTO snk SELECT id FROM facts;

-- unknown-column: a column that there is not
-- fails: SQL_UNKNOWN_COLUMN
CREATE TABLE snk (id INT) WITH ({to snk.json});
INSERT INTO snk SELECT idd FROM facts;

-- window-without-watermark: a stream's window over a column without a watermark
-- fails in STREAMING: SQL_TIME_ATTRIBUTE
CREATE TABLE snk (s TIMESTAMP(3), n BIGINT) WITH ({to snk.json});
INSERT INTO snk
SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE facts, DESCRIPTOR(ts), INTERVAL '1' DAY)) WHERE ts IS NOT NULL GROUP BY window_start, window_end;
