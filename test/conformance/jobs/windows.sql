-- tumble: TUMBLE by a key
CREATE TABLE snk (s TIMESTAMP(3), e TIMESTAMP(3), product STRING, n BIGINT, total INT) WITH ({to snk.json});
INSERT INTO snk
SELECT window_start, window_end, product, COUNT(*), SUM(quantity)
FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ordered), INTERVAL '5' MINUTE)) GROUP BY window_start, window_end, product;

-- tumble-all: TUMBLE without another key, with an offset
CREATE TABLE snk (s TIMESTAMP(3), n BIGINT, dear BIGINT, first_at TIMESTAMP(3)) WITH ({to snk.csv});
INSERT INTO snk
SELECT window_start, COUNT(*), COUNT(*) FILTER (WHERE price > 500), MIN(ordered)
FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ordered), INTERVAL '4' MINUTE, INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;

-- tumble-named-arguments: TUMBLE with named arguments, HAVING, and WHERE before it by way of a view
CREATE VIEW known AS SELECT customer, quantity, ordered FROM orders WHERE customer IS NOT NULL AND quantity IS NOT NULL;
CREATE TABLE snk (s TIMESTAMP(3), customer STRING, mean INT) WITH ({to snk.json});
INSERT INTO snk
SELECT window_start, customer, AVG(quantity)
FROM TABLE(TUMBLE(DATA => TABLE known, TIMECOL => DESCRIPTOR(ordered), SIZE => INTERVAL '10' MINUTE))
GROUP BY window_start, window_end, customer HAVING COUNT(*) > 3;

-- group-window: GROUP BY TUMBLE(...), the older form, with TUMBLE_START and TUMBLE_END
CREATE TABLE snk (s TIMESTAMP(3), e TIMESTAMP(3), product STRING, w DOUBLE) WITH ({to snk.json});
INSERT INTO snk
SELECT TUMBLE_START(ordered, INTERVAL '7' MINUTE), TUMBLE_END(ordered, INTERVAL '7' MINUTE), product, SUM(weight)
FROM orders GROUP BY TUMBLE(ordered, INTERVAL '7' MINUTE), product;

-- windows-of-windows: windows over the result of smaller windows
CREATE VIEW minutes AS
SELECT window_time AS t, product, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ordered), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, window_time, product;
CREATE TABLE snk (s TIMESTAMP(3), most BIGINT, n BIGINT) WITH ({to snk.json});
INSERT INTO snk
SELECT window_start, MAX(n), SUM(n) FROM TABLE(TUMBLE(TABLE minutes, DESCRIPTOR(t), INTERVAL '6' MINUTE)) GROUP BY window_start, window_end;

-- windows-grouped-again: a GROUP BY without windows over the result of windows
CREATE TABLE snk (product STRING, windows BIGINT, most BIGINT) WITH ({to snk.print});
INSERT INTO snk
SELECT product, COUNT(*), MAX(n) FROM (
  SELECT product, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ordered), INTERVAL '3' MINUTE)) GROUP BY window_start, window_end, product
) AS w GROUP BY product;

-- ltz-windows: windows over a TIMESTAMP_LTZ that the table computes
CREATE TABLE epochs (id INT, l BIGINT, et AS TO_TIMESTAMP_LTZ(id * 1000, 3), WATERMARK FOR et AS et - INTERVAL '1' SECOND) WITH ({from facts.json});
CREATE TABLE snk (s TIMESTAMP(3), n BIGINT) WITH ({to snk.json});
INSERT INTO snk
SELECT window_start, COUNT(l) FROM TABLE(TUMBLE(TABLE epochs, DESCRIPTOR(et), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;

-- distinct-in-windows: DISTINCT over the result of windows
CREATE TABLE snk (n BIGINT) WITH ({to snk.print});
INSERT INTO snk
SELECT DISTINCT n FROM (
  SELECT COUNT(*) AS n FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ordered), INTERVAL '2' MINUTE)) GROUP BY window_start, window_end, product
) AS w;

-- hop: HOP
-- refused: SQL_UNSUPPORTED
CREATE TABLE snk (s TIMESTAMP(3), n BIGINT) WITH ({to snk.json});
INSERT INTO snk
SELECT window_start, COUNT(*) FROM TABLE(HOP(TABLE orders, DESCRIPTOR(ordered), INTERVAL '2' MINUTE, INTERVAL '6' MINUTE))
GROUP BY window_start, window_end;

-- cumulate: CUMULATE
-- refused: SQL_UNSUPPORTED
CREATE TABLE snk (s TIMESTAMP(3), e TIMESTAMP(3), n BIGINT) WITH ({to snk.json});
INSERT INTO snk
SELECT window_start, window_end, COUNT(*) FROM TABLE(CUMULATE(TABLE orders, DESCRIPTOR(ordered), INTERVAL '2' MINUTE, INTERVAL '6' MINUTE))
GROUP BY window_start, window_end;

-- session: SESSION
-- refused in STREAMING: SQL_UNSUPPORTED
-- fails in BATCH: SQL_UNSUPPORTED
CREATE TABLE snk (s TIMESTAMP(3), customer STRING, n BIGINT) WITH ({to snk.json});
INSERT INTO snk
SELECT window_start, customer, COUNT(*) FROM TABLE(SESSION(TABLE orders PARTITION BY customer, DESCRIPTOR(ordered), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, customer;

-- window-top-n: the first rows of each window
-- refused: SQL_UNSUPPORTED
CREATE TABLE snk (s TIMESTAMP(3), product STRING, price DECIMAL(8, 2)) WITH ({to snk.json});
INSERT INTO snk
SELECT window_start, product, price FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY price DESC, order_id) AS place
  FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ordered), INTERVAL '5' MINUTE))
) AS ranked WHERE place <= 2;
