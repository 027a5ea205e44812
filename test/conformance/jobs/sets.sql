-- union-all: UNION ALL of two tables, with types in common
CREATE TABLE snk (id BIGINT, amount DECIMAL(10, 2), kind STRING) WITH ({to snk.json});
INSERT INTO snk
SELECT order_id, price, 'order' FROM orders WHERE price > 800 UNION ALL SELECT order_id, amount, `method` FROM payments WHERE amount > 700;

-- union: UNION without ALL, over rows that both sides have
CREATE TABLE snk (id BIGINT, paid BOOLEAN) WITH ({to snk.print});
INSERT INTO snk SELECT order_id, TRUE FROM payments UNION SELECT order_id, price > 500 FROM orders WHERE order_id < 100;

-- union-windows: windows over a UNION ALL of two streams
CREATE VIEW moves AS
SELECT 'order' AS kind, ordered AS et, price AS amount FROM orders UNION ALL SELECT 'payment', paid, amount FROM payments;
CREATE TABLE snk (s TIMESTAMP(3), kind STRING, n BIGINT, least DECIMAL(8, 2)) WITH ({to snk.json});
INSERT INTO snk
SELECT window_start, kind, COUNT(*), MIN(amount) FROM TABLE(TUMBLE(TABLE moves, DESCRIPTOR(et), INTERVAL '5' MINUTE))
GROUP BY window_start, window_end, kind;

-- intersect: INTERSECT
-- refused: SQL_UNSUPPORTED
CREATE TABLE snk (id BIGINT) WITH ({to snk.print});
INSERT INTO snk SELECT order_id FROM orders INTERSECT SELECT order_id FROM payments;

-- except: EXCEPT
-- refused: SQL_UNSUPPORTED
CREATE TABLE snk (id BIGINT) WITH ({to snk.print});
INSERT INTO snk SELECT order_id FROM orders EXCEPT SELECT order_id FROM payments;

-- values: VALUES with names, NULLs and types in common
CREATE TABLE snk (a BIGINT, b STRING, c DOUBLE) WITH ({to snk.csv});
INSERT INTO snk
SELECT x * 10, y, z FROM (VALUES (1, 'one', 1.5E0), (2, CAST(NULL AS STRING), 2E0), (3, 'three', CAST(NULL AS DOUBLE))) AS v (x, y, z);

-- view-of-unions: a view with column names of its own over three parts
CREATE VIEW ids (id, part) AS
SELECT order_id, 1 FROM orders WHERE order_id < 5 UNION ALL SELECT order_id, 2 FROM payments WHERE amount > 850 UNION ALL SELECT id, 3 FROM facts WHERE i = 1;
CREATE TABLE snk (part INT, n BIGINT, hi BIGINT) WITH ({to snk.print});
INSERT INTO snk SELECT part, COUNT(*), MAX(id) FROM ids GROUP BY part;
