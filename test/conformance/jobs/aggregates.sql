-- counting: COUNT of rows and of values by a key that may be NULL
CREATE TABLE snk (customer STRING, n BIGINT, c BIGINT) WITH ({to snk.print});
INSERT INTO snk SELECT customer, COUNT(*), COUNT(quantity) FROM orders GROUP BY customer;

-- wide-decimals: sums and means of DECIMALs in 38 digits
-- refused: SQL_UNSUPPORTED
CREATE TABLE snk (product STRING, total DECIMAL(38, 2), mean DECIMAL(38, 6)) WITH ({to snk.print});
INSERT INTO snk SELECT product, SUM(price), AVG(price) FROM orders GROUP BY product;

-- many-aggregates: SUM, AVG, MIN and MAX of integers, DECIMALs, DOUBLEs, strings and times
CREATE TABLE snk (
  product STRING, q INT, aq INT, lo INT, hi INT, total DECIMAL(18, 2), mean DECIMAL(18, 2), w DOUBLE, aw DOUBLE, lc STRING, hc STRING, t0 TIMESTAMP(3),
  t1 TIMESTAMP(3)
) WITH ({to snk.print});
INSERT INTO snk
SELECT product, SUM(quantity), AVG(quantity), MIN(quantity), MAX(quantity), CAST(SUM(price) AS DECIMAL(18, 2)), CAST(AVG(price) AS DECIMAL(18, 2)),
  SUM(weight), AVG(weight), MIN(customer), MAX(customer), MIN(ordered), MAX(ordered)
FROM orders GROUP BY product;

-- global-aggregate: aggregates without GROUP BY
CREATE TABLE snk (n BIGINT, total BIGINT, least DOUBLE, most DECIMAL(8, 2)) WITH ({to snk.print});
INSERT INTO snk SELECT COUNT(*), SUM(CAST(quantity AS BIGINT)), MIN(weight), MAX(price) FROM orders;

-- aggregate-of-nothing: aggregates over no rows, with and without GROUP BY
-- only BATCH
CREATE TABLE total_row (n BIGINT, total BIGINT, hi DOUBLE) WITH ({to total_row.json});
CREATE TABLE no_rows (product STRING, n BIGINT) WITH ({to no_rows.json});
BEGIN STATEMENT SET;
  INSERT INTO total_row SELECT COUNT(*), SUM(order_id), MAX(weight) FROM orders WHERE order_id < 0;
  INSERT INTO no_rows SELECT product, COUNT(*) FROM orders WHERE order_id < 0 GROUP BY product;
END;

-- filtered-aggregates: FILTER, beside the same aggregate without it
CREATE TABLE snk (product STRING, n BIGINT, big BIGINT, dear INT, light DOUBLE) WITH ({to snk.print});
INSERT INTO snk
SELECT product, COUNT(*), COUNT(*) FILTER (WHERE quantity > 10), SUM(quantity) FILTER (WHERE price > 500), MAX(weight) FILTER (WHERE weight < 0)
FROM orders GROUP BY product;

-- having: HAVING over an aggregate, and over one that is not selected
CREATE TABLE snk (customer STRING, n BIGINT) WITH ({to snk.print});
INSERT INTO snk SELECT customer, COUNT(*) FROM orders GROUP BY customer HAVING COUNT(*) > 12 AND MAX(price) < 990;

-- group-by-expressions: keys that are expressions, several of them, and a computed result
CREATE TABLE snk (band INT, late BOOLEAN, n BIGINT, mean DOUBLE) WITH ({to snk.print});
INSERT INTO snk
SELECT CAST(price AS INT) / 100, EXTRACT(MINUTE FROM ordered) >= 15, COUNT(*), SUM(weight) / COUNT(*)
FROM orders GROUP BY CAST(price AS INT) / 100, EXTRACT(MINUTE FROM ordered) >= 15;

-- distinct: SELECT DISTINCT of columns with NULLs
CREATE TABLE snk (product STRING, quantity INT) WITH ({to snk.print});
INSERT INTO snk SELECT DISTINCT product, quantity FROM orders;

-- aggregate-of-aggregate: an aggregation over the result of another one
-- refused in STREAMING: SQL_CHANGELOG
CREATE TABLE snk (n BIGINT, customers BIGINT) WITH ({to snk.print});
INSERT INTO snk SELECT n, COUNT(*) FROM (SELECT customer, COUNT(*) AS n FROM orders GROUP BY customer) AS counted GROUP BY n;

-- aggregates-into-files: final values of a batch written to files
-- only BATCH
CREATE TABLE snk (product STRING, n BIGINT, weight DOUBLE) WITH ({to snk.csv});
INSERT INTO snk SELECT product, COUNT(*), SUM(weight) FROM orders GROUP BY product;

-- changes-into-files: a changing result into files, which take insertions only
-- fails: SINK_CHANGELOG
-- only STREAMING
CREATE TABLE snk (product STRING, n BIGINT) WITH ({to snk.csv});
INSERT INTO snk SELECT product, COUNT(*) FROM orders GROUP BY product;

-- count-distinct: COUNT(DISTINCT x)
-- refused: SQL_UNSUPPORTED
CREATE TABLE snk (product STRING, n BIGINT) WITH ({to snk.print});
INSERT INTO snk SELECT product, COUNT(DISTINCT customer) FROM orders GROUP BY product;

-- grouping-sets: GROUPING SETS
-- refused: SQL_UNSUPPORTED
CREATE TABLE snk (product STRING, customer STRING, n BIGINT) WITH ({to snk.print});
INSERT INTO snk SELECT product, customer, COUNT(*) FROM orders GROUP BY GROUPING SETS ((product), (customer), ());

-- rollup: ROLLUP
-- refused: SQL_UNSUPPORTED
CREATE TABLE snk (product STRING, customer STRING, n BIGINT) WITH ({to snk.print});
INSERT INTO snk SELECT product, customer, COUNT(*) FROM orders GROUP BY ROLLUP (product, customer);

-- statistics: STDDEV_POP and VAR_SAMP
-- refused: SQL_UNSUPPORTED
CREATE TABLE snk (product STRING, s INT, v INT) WITH ({to snk.print});
INSERT INTO snk SELECT product, CAST(STDDEV_POP(weight) AS INT), CAST(VAR_SAMP(weight) AS INT) FROM orders GROUP BY product;

-- listagg: LISTAGG
-- refused: SQL_UNSUPPORTED
-- only BATCH
CREATE TABLE snk (product STRING, n INT) WITH ({to snk.print});
INSERT INTO snk SELECT product, CHAR_LENGTH(LISTAGG(customer)) FROM orders GROUP BY product;

-- three-levels: three levels of GROUP BY in a batch
-- only BATCH
CREATE TABLE snk (big BOOLEAN, pairs BIGINT, most BIGINT) WITH ({to snk.json});
INSERT INTO snk
SELECT n > 10, COUNT(*), MAX(n) FROM (
  SELECT product, customer, COUNT(*) AS n FROM (SELECT DISTINCT product, customer, quantity FROM orders) AS d GROUP BY product, customer
) AS g GROUP BY n > 10;

-- groups-of-nulls: aggregates of groups whose values are NULL, all or some of them
CREATE TABLE snk (dt DATE, n BIGINT, c BIGINT, total BIGINT, lo STRING, hi TIME, early TIMESTAMP(3)) WITH ({to snk.print});
INSERT INTO snk
SELECT dt, COUNT(*), COUNT(i), SUM(CAST(i AS BIGINT)), MIN(s), MAX(tm), MIN(ts) FROM facts WHERE i IS NULL OR s IS NULL OR id < 2 GROUP BY dt;

-- group-by-doubles: keys that are DOUBLEs, DECIMALs, dates and times
CREATE TABLE snk (d DOUBLE, n DECIMAL(10, 2), dt DATE, tm TIME, rows_ BIGINT) WITH ({to snk.print});
INSERT INTO snk SELECT d, n, dt, tm, COUNT(*) FROM facts WHERE d >= 0 GROUP BY d, n, dt, tm;

-- expressions-of-aggregates: a result that is computed from keys and aggregates
CREATE TABLE snk (label STRING, n BIGINT, share DOUBLE) WITH ({to snk.print});
INSERT INTO snk
SELECT CASE WHEN COUNT(*) > 40 THEN UPPER(product) ELSE product END, COUNT(*), CAST(COUNT(quantity) AS DOUBLE) / COUNT(*) FROM orders GROUP BY product;
