-- csv-quotes: quotes around separators, quotes and line breaks
CREATE TABLE quoted (id INT, s STRING, n INT) WITH ({from quotes.csv});
CREATE TABLE snk (id INT, s STRING, n INT) WITH ({to snk.csv});
INSERT INTO snk SELECT * FROM quoted;

-- csv-null-literal: the text that stands for NULL, read and written
CREATE TABLE quoted (id INT, s STRING, n STRING) WITH ({from quotes.csv}, 'csv.null-literal' = 'n/a');
CREATE TABLE snk (id INT, s STRING, missing BOOLEAN) WITH ({to snk.csv}, 'csv.null-literal' = 'NIL');
INSERT INTO snk SELECT id, s, s IS NULL FROM quoted WHERE id <> 8;

-- csv-quoted-null-literal: the text that stands for NULL, in quotes
-- differs: In quotes it is that text, so that what the sink writes can be read again; Flink takes it for NULL.
CREATE TABLE quoted (id INT, s STRING, n STRING) WITH ({from quotes.csv}, 'csv.null-literal' = 'n/a');
CREATE TABLE snk (id INT, s STRING) WITH ({to snk.json});
INSERT INTO snk SELECT id, s FROM quoted WHERE id = 8;

-- csv-empty-fields: empty fields without csv.null-literal
-- differs: An empty field of a number, BOOLEAN or time is NULL; Flink fails on it, unless a csv.null-literal or csv.ignore-parse-errors says otherwise.
CREATE TABLE gaps (id INT, n INT, s STRING, d DOUBLE) WITH ({from empty.csv});
CREATE TABLE snk (id INT, n INT, s STRING, d DOUBLE) WITH ({to snk.json});
INSERT INTO snk SELECT * FROM gaps;

-- csv-delimiters: another delimiter, another quote character, and comments
CREATE TABLE semi (id INT, s STRING, d DOUBLE)
  WITH ({from semicolons.csv}, 'csv.field-delimiter' = ';', 'csv.quote-character' = '''', 'csv.allow-comments' = 'true');
CREATE TABLE snk (s STRING, d DOUBLE) WITH ({to snk.csv}, 'csv.field-delimiter' = '|');
INSERT INTO snk SELECT s, d FROM semi;

-- csv-numbers: signs, leading zeros, exponents and NULLs in numbers
CREATE TABLE numbers (id INT, i INT, n DECIMAL(8, 2), d DOUBLE, b BOOLEAN) WITH ({from numbers.csv});
CREATE TABLE snk (id INT, i INT, n DECIMAL(8, 2), d DOUBLE, b BOOLEAN) WITH ({to snk.csv});
INSERT INTO snk SELECT * FROM numbers;

-- csv-times: dates and times read and written
CREATE TABLE times (id INT, d DATE, t TIME, ts TIMESTAMP(3)) WITH ({from times.csv});
CREATE TABLE snk (id INT, d DATE, t TIME, ts TIMESTAMP(3)) WITH ({to snk.csv});
INSERT INTO snk SELECT * FROM times;

-- csv-types: every type written to CSV
CREATE TABLE snk (id INT, b BOOLEAN, l BIGINT, d DOUBLE, n DECIMAL(10, 2), s STRING, dt DATE, ts TIMESTAMP(3)) WITH ({to snk.csv});
INSERT INTO snk SELECT id, b, l, d, n, s, dt, ts FROM facts;

-- csv-without-quotes: csv.disable-quote-character
CREATE TABLE quoted (id INT, s STRING, n STRING) WITH ({from quotes.csv}, 'csv.disable-quote-character' = 'true', 'csv.ignore-parse-errors' = 'true');
CREATE TABLE snk (id INT, s STRING, n STRING) WITH ({to snk.json});
INSERT INTO snk SELECT id, s, n FROM quoted WHERE id <> 2 AND n IS NOT NULL;

-- csv-header: csv.header
-- differs: The first line is skipped; Flink takes no notice of the option, and the header is a row.
CREATE TABLE named (customer STRING, name STRING, city STRING) WITH ({from customers.csv}, 'csv.header' = 'true');
CREATE TABLE snk (customer STRING, name STRING, city STRING) WITH ({to snk.json});
INSERT INTO snk SELECT * FROM named;

-- csv-bad-rows: bad, missing and surplus fields with csv.ignore-parse-errors
CREATE TABLE bad (id INT, v INT, s STRING) WITH ({from bad.csv}, 'csv.ignore-parse-errors' = 'true');
CREATE TABLE snk (id INT, v INT, s STRING) WITH ({to snk.csv});
INSERT INTO snk SELECT * FROM bad;

-- csv-bad-row-fails: a bad row without that option
-- fails: CSV_BAD_ROW
CREATE TABLE bad (id INT, v INT, s STRING) WITH ({from bad.csv});
CREATE TABLE snk (id INT, v INT, s STRING) WITH ({to snk.csv});
INSERT INTO snk SELECT * FROM bad;

-- json-edges: missing and foreign keys, numbers in quotes, escapes, objects in a string column
CREATE TABLE edges (id INT, s STRING, n DECIMAL(6, 2), ok BOOLEAN, seen TIMESTAMP(3)) WITH ({from edges.json});
CREATE TABLE snk (id INT, s STRING, n DECIMAL(6, 2), ok BOOLEAN, seen TIMESTAMP(3)) WITH ({to snk.json});
INSERT INTO snk SELECT * FROM edges;

-- json-without-nulls: NULL fields left out
CREATE TABLE snk (id INT, i INT, s STRING, d DOUBLE) WITH ({to snk.json}, 'json.encode.ignore-null-fields' = 'true');
INSERT INTO snk SELECT id, i, s, d FROM facts;

-- json-iso-times: ISO-8601 times
CREATE TABLE snk (id INT, ts TIMESTAMP(3), lz TIMESTAMP_LTZ(3)) WITH ({to snk.json}, 'json.timestamp-format.standard' = 'ISO-8601');
INSERT INTO snk SELECT id, ts, TO_TIMESTAMP_LTZ(id * 1001, 3) FROM facts;

-- json-missing-field: a missing key with json.fail-on-missing-field
-- differs: The job fails, as the option says; Flink reads NULL.
CREATE TABLE bad (id INT, s STRING, n DECIMAL(6, 2)) WITH ({from edges.json}, 'json.fail-on-missing-field' = 'true');
CREATE TABLE snk (id INT, s STRING, n DECIMAL(6, 2)) WITH ({to snk.json});
INSERT INTO snk SELECT * FROM bad;

-- json-bad-rows: bad rows with json.ignore-parse-errors
CREATE TABLE bad (id INT, v INT) WITH ({from bad.json}, 'json.ignore-parse-errors' = 'true');
CREATE TABLE snk (id INT, v INT) WITH ({to snk.json});
INSERT INTO snk SELECT * FROM bad;

-- json-bad-row-fails: a bad row without that option
-- fails: JSON_BAD_ROW
CREATE TABLE bad (id INT, v INT) WITH ({from bad.json});
CREATE TABLE snk (id INT, v INT) WITH ({to snk.json});
INSERT INTO snk SELECT * FROM bad;

-- print: every type printed
CREATE TABLE snk (id INT, b BOOLEAN, i INT, l BIGINT, d DOUBLE, n DECIMAL(10, 2), s STRING, dt DATE, tm TIME, ts TIMESTAMP(3)) WITH ({to snk.print});
INSERT INTO snk SELECT * FROM facts;

-- replay: replay.rate
-- only STREAMING
-- differs: Files are replayed at a rate, as a stream; Flink has no such option.
CREATE TABLE replayed (order_id BIGINT, amount DECIMAL(8, 2)) WITH ({from payments.json}, 'replay.rate' = '10000');
CREATE TABLE snk (order_id BIGINT, amount DECIMAL(8, 2)) WITH ({to snk.json});
INSERT INTO snk SELECT * FROM replayed;

-- changelog-input: the changes of another table, as debezium-json
-- refused in STREAMING: OPTION_INVALID
-- fails in BATCH: OPTION_INVALID
CREATE TABLE changes (id INT, s STRING) WITH ({from changes.json as debezium-json});
CREATE TABLE snk (id INT, s STRING) WITH ({to snk.print});
INSERT INTO snk SELECT * FROM changes;

-- processing-time: PROCTIME()
-- refused: SQL_UNSUPPORTED
CREATE TABLE timed (id INT, seen AS PROCTIME()) WITH ({from facts.json});
CREATE TABLE snk (id INT, timed BOOLEAN) WITH ({to snk.json});
INSERT INTO snk SELECT id, seen IS NOT NULL FROM timed;

-- datagen-sequence: rows made by sequences, as many as number-of-rows
CREATE TABLE made (id INT, s STRING, n BIGINT) WITH (
  'connector' = 'datagen', 'number-of-rows' = '50', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '50',
  'fields.s.kind' = 'sequence', 'fields.s.start' = '100', 'fields.s.end' = '149', 'fields.n.min' = '7', 'fields.n.max' = '8'
);
CREATE TABLE snk (small BOOLEAN, total BIGINT, hi STRING) WITH ({to snk.print});
INSERT INTO snk SELECT n < 9, SUM(CAST(id AS BIGINT)), MAX(s) FROM made GROUP BY n < 9;

-- datagen-of-one-value: a random number whose min is its max
-- differs: The embedded engine makes that number; Flink wants a range.
CREATE TABLE made (n BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '50', 'fields.n.min' = '7', 'fields.n.max' = '7');
CREATE TABLE snk (n BIGINT) WITH ({to snk.json});
INSERT INTO snk SELECT n FROM made;

-- datagen-ended-by-a-sequence: a sequence without number-of-rows
-- differs in BATCH: The embedded engine runs it, as it ends; Flink calls a datagen table without number-of-rows unbounded, and refuses it.
CREATE TABLE made (id INT) WITH ('connector' = 'datagen', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '50');
CREATE TABLE snk (n BIGINT, total INT) WITH ({to snk.print});
INSERT INTO snk SELECT COUNT(*), SUM(id) FROM made;

-- partitioned-sink: PARTITIONED BY, a folder for each value
-- refused: SQL_UNSUPPORTED
CREATE TABLE snk (order_id BIGINT, product STRING) PARTITIONED BY (product) WITH ({to snk.csv});
INSERT INTO snk SELECT order_id, product FROM orders;

-- overwrite: INSERT OVERWRITE
-- refused: SQL_UNSUPPORTED
-- only BATCH
CREATE TABLE snk (order_id BIGINT) WITH ({to snk.csv});
INSERT OVERWRITE snk SELECT order_id FROM orders;

-- metadata: a METADATA column of the file
-- refused: SQL_UNSUPPORTED
CREATE TABLE named (order_id BIGINT, `file.name` STRING NOT NULL METADATA) WITH ({from payments.json});
CREATE TABLE snk (order_id BIGINT, name STRING) WITH ({to snk.json});
INSERT INTO snk SELECT order_id, `file.name` FROM named;

-- arrays: an ARRAY and a ROW from JSON
-- refused: SQL_UNSUPPORTED
CREATE TABLE nested (id INT, s STRING, extra ARRAY<STRING>) WITH ({from edges.json});
CREATE TABLE snk (id INT, extra ARRAY<STRING>) WITH ({to snk.json});
INSERT INTO snk SELECT id, extra FROM nested;
