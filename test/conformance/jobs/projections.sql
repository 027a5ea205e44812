-- passing-through: every column type read from JSON and written as it is
CREATE TABLE snk (id INT, b BOOLEAN, i INT, l BIGINT, d DOUBLE, n DECIMAL(10, 2), s STRING, dt DATE, tm TIME, ts TIMESTAMP(3))
  WITH ({to snk.json});
INSERT INTO snk SELECT * FROM facts;

-- string-functions: functions of strings over columns with NULL, blanks and characters beyond the first plane
CREATE TABLE snk (
  id INT, up STRING, low STRING, trimmed STRING, cut STRING, len INT, pos INT, replaced STRING, joined STRING, padded STRING, back STRING, part STRING
) WITH ({to snk.json});
INSERT INTO snk
SELECT id, UPPER(s), LOWER(s), TRIM(s), SUBSTRING(s, 2, 3), CHAR_LENGTH(s), POSITION('a' IN s), REPLACE(s, 'a', '<a>'), CONCAT_WS('-', s, s),
  LPAD(s, 6, '*'), REVERSE(s), SPLIT_INDEX(s, ',', 1)
FROM facts;

-- regular-expressions: LIKE with an escape, and functions of regular expressions
CREATE TABLE snk (id INT, s STRING, wild BOOLEAN, escaped BOOLEAN, digits STRING, replaced STRING) WITH ({to snk.json});
INSERT INTO snk
SELECT id, s, s LIKE '%a%', s LIKE '%!%%' ESCAPE '!', REGEXP_EXTRACT(s, '([0-9]+)', 1), REGEXP_REPLACE(s, '[a-z]+', '#')
FROM facts;

-- numeric-functions: functions of numbers over limits, zeros and NULLs
CREATE TABLE snk (id INT, a INT, b BIGINT, c DOUBLE, e DOUBLE, f DOUBLE, g INT, h DOUBLE, k DECIMAL(10, 1), m INT) WITH ({to snk.json});
INSERT INTO snk
SELECT id, ABS(i / 2), l + 1, FLOOR(d), CEIL(d), ROUND(d, 1), MOD(i, 7), POWER(CAST(n AS DOUBLE), 2), ROUND(n, 1), SIGN(i)
FROM facts;

-- decimals: DECIMAL arithmetic with its precision and scale
CREATE TABLE snk (id INT, plus DECIMAL(12, 2), times DECIMAL(14, 3), divided DECIMAL(18, 8), mixed DECIMAL(16, 2), rounded DECIMAL(4, 1), wide DOUBLE)
  WITH ({to snk.json});
INSERT INTO snk
SELECT id, n + 0.05, n * 1.5, CAST(TRY_CAST(n AS DECIMAL(6, 2)) / 3 AS DECIMAL(18, 8)), n - i, TRY_CAST(n AS DECIMAL(4, 1)), n * CAST(0.5 AS DOUBLE)
FROM facts WHERE id < 50;

-- dates-and-times: parts, rounding, differences and formats of dates and times
CREATE TABLE snk (
  id INT, y BIGINT, q BIGINT, w BIGINT, doy BIGINT, h BIGINT, hourly TIMESTAMP(3), monthly TIMESTAMP(3), nextday DATE, shifted TIMESTAMP(3), days INT,
  text STRING, epoch BIGINT
) WITH ({to snk.json});
INSERT INTO snk
SELECT id, EXTRACT(YEAR FROM dt), QUARTER(dt), WEEK(dt), DAYOFYEAR(dt), EXTRACT(HOUR FROM ts), FLOOR(ts TO HOUR), CEIL(ts TO MONTH),
  dt + INTERVAL '1' DAY, ts - INTERVAL '1 02:03:04' DAY TO SECOND, TIMESTAMPDIFF(DAY, ts, TIMESTAMP '2026-06-01 00:00:00'),
  DATE_FORMAT(ts, 'yyyy/MM/dd HH-mm'), UNIX_TIMESTAMP(DATE_FORMAT(ts, 'yyyy-MM-dd HH:mm:ss'))
FROM facts;

-- parsing-times: text to dates and timestamps and back
CREATE TABLE snk (id INT, d DATE, t TIMESTAMP(3), z TIMESTAMP_LTZ(3), u STRING, c STRING) WITH ({to snk.json});
INSERT INTO snk
SELECT id, TO_DATE(CAST(dt AS STRING)), TO_TIMESTAMP(CAST(ts AS STRING)), TO_TIMESTAMP_LTZ(l, 3), FROM_UNIXTIME(l / 1000), CAST(ts AS STRING)
FROM facts WHERE ABS(l) < 1000000000;

-- casts: casts between numbers, text and BOOLEAN, and TRY_CAST where text is no number
CREATE TABLE snk (id INT, a BIGINT, b STRING, c STRING, e INT, f DOUBLE, g STRING, j STRING, k STRING) WITH ({to snk.json});
INSERT INTO snk
SELECT id, CAST(i AS BIGINT), CAST(d AS STRING), CAST(n AS STRING), TRY_CAST(s AS INT), TRY_CAST(s AS DOUBLE), CAST(b AS STRING), CAST(tm AS STRING),
  CAST(dt AS STRING)
FROM facts;

-- decimals-from-text: TRY_CAST of text to DECIMAL
-- differs: Text that is no number is NULL; Flink reads 'a' as 0.
CREATE TABLE snk (id INT, n DECIMAL(6, 1)) WITH ({to snk.json});
INSERT INTO snk SELECT id, TRY_CAST(s AS DECIMAL(6, 1)) FROM facts;

-- conditionals: CASE in both forms, COALESCE, NULLIF, IF, GREATEST and LEAST
CREATE TABLE snk (id INT, a STRING, b STRING, c INT, e INT, f STRING, g INT, h INT) WITH ({to snk.json});
INSERT INTO snk
SELECT id, CASE WHEN i > 0 THEN 'positive' WHEN i < 0 THEN 'negative' WHEN i = 0 THEN 'zero' ELSE 'unknown' END,
  CASE tm WHEN TIME '00:00:00' THEN 'midnight' WHEN TIME '12:34:56' THEN 'noon' END, COALESCE(i, id, 0), NULLIF(i, 0), IF(b, s, 'no'), GREATEST(i, 5),
  LEAST(i, id)
FROM facts;

-- computed-columns: columns that the table computes
CREATE TABLE computed (id INT, n DECIMAL(10, 2), s STRING, taxed AS n * 1.19, label AS UPPER(s) || '!') WITH ({from facts.json});
CREATE TABLE snk (id INT, taxed DECIMAL(18, 4), label STRING) WITH ({to snk.json});
INSERT INTO snk SELECT id, taxed, label FROM computed;

-- constants: a query without FROM, and VALUES
CREATE TABLE snk (a INT, b STRING, c DECIMAL(5, 2)) WITH ({to snk.print});
INSERT INTO snk SELECT 1, 'one', 1.10 UNION ALL SELECT 2, CAST(NULL AS STRING), 2.20;

-- null-propagation: NULL through operators of strings, numbers and times
CREATE TABLE snk (id INT, a STRING, b BIGINT, c DOUBLE, e TIMESTAMP(3), f BOOLEAN, g BOOLEAN) WITH ({to snk.json});
INSERT INTO snk
SELECT id, s || '-' || CAST(i AS STRING), l - i, d * 2 - 1, ts + INTERVAL '90' MINUTE, i = l, i IS NOT DISTINCT FROM CAST(NULL AS INT)
FROM facts WHERE l IS NULL OR ABS(l) < 1000000000;

-- time-of-day: TIME values: parts, shifts and comparisons
CREATE TABLE snk (id INT, h BIGINT, m BIGINT, later BOOLEAN, text STRING) WITH ({to snk.json});
INSERT INTO snk SELECT id, EXTRACT(HOUR FROM tm), MINUTE(tm), tm > TIME '12:00:00', CAST(tm AS STRING) FROM facts;

-- months: months and years added to dates and timestamps, at their ends
CREATE TABLE snk (id INT, a DATE, b DATE, c TIMESTAMP(3), e INT) WITH ({to snk.json});
INSERT INTO snk
SELECT id, dt + INTERVAL '1' MONTH, dt - INTERVAL '1' YEAR, TIMESTAMPADD(MONTH, 12, ts), TIMESTAMPDIFF(MONTH, ts, TIMESTAMP '2026-06-30 00:00:00') FROM facts;

-- integers-overflow: integer arithmetic beyond its range
CREATE TABLE snk (id INT, a INT, b BIGINT, c INT, e BIGINT) WITH ({to snk.json});
INSERT INTO snk SELECT id, i + 1, l * 1024, -i, CAST(i AS BIGINT) * 2 FROM facts;
