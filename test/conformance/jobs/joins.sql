-- inner-join: INNER JOIN
-- refused: SQL_UNSUPPORTED
CREATE TABLE snk (order_id BIGINT, amount DECIMAL(8, 2)) WITH ({to snk.print});
INSERT INTO snk SELECT o.order_id, p.amount FROM orders AS o JOIN payments AS p ON o.order_id = p.order_id;

-- left-join: LEFT JOIN
-- refused: SQL_UNSUPPORTED
CREATE TABLE snk (order_id BIGINT, amount DECIMAL(8, 2)) WITH ({to snk.print});
INSERT INTO snk SELECT o.order_id, p.amount FROM orders AS o LEFT JOIN payments AS p ON o.order_id = p.order_id;

-- full-join: FULL JOIN
-- refused: SQL_UNSUPPORTED
CREATE TABLE snk (a BIGINT, b BIGINT) WITH ({to snk.print});
INSERT INTO snk SELECT o.order_id, p.order_id FROM orders AS o FULL JOIN payments AS p ON o.order_id = p.order_id;

-- semi-join: IN with a subquery
-- refused: SQL_UNSUPPORTED
CREATE TABLE snk (order_id BIGINT) WITH ({to snk.print});
INSERT INTO snk SELECT order_id FROM orders WHERE order_id IN (SELECT order_id FROM payments);

-- anti-join: NOT EXISTS with a subquery
-- refused: SQL_UNSUPPORTED
CREATE TABLE snk (order_id BIGINT) WITH ({to snk.print});
INSERT INTO snk SELECT order_id FROM orders AS o WHERE NOT EXISTS (SELECT 1 FROM payments AS p WHERE p.order_id = o.order_id);

-- cross-join: several tables in FROM
-- refused: SQL_UNSUPPORTED
CREATE TABLE snk (order_id BIGINT, city STRING) WITH ({to snk.print});
INSERT INTO snk SELECT order_id, city FROM orders, customers WHERE orders.customer = customers.customer;

-- interval-join: a join within a range of time
-- refused: SQL_UNSUPPORTED
CREATE TABLE snk (a BIGINT, b BIGINT) WITH ({to snk.print});
INSERT INTO snk
SELECT o.order_id, p.order_id FROM orders AS o, payments AS p
WHERE o.order_id = p.order_id AND p.paid BETWEEN o.ordered - INTERVAL '10' MINUTE AND o.ordered + INTERVAL '10' MINUTE;

-- window-join: a join of the rows of the same windows
-- refused: SQL_UNSUPPORTED
CREATE TABLE snk (s TIMESTAMP(3), a BIGINT, b BIGINT) WITH ({to snk.print});
INSERT INTO snk
SELECT o.window_start, o.order_id, p.order_id
FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ordered), INTERVAL '5' MINUTE)) AS o
JOIN TABLE(TUMBLE(TABLE payments, DESCRIPTOR(paid), INTERVAL '5' MINUTE)) AS p
ON o.order_id = p.order_id AND o.window_start = p.window_start AND o.window_end = p.window_end;

-- scalar-subquery: a subquery as a value
-- refused: SQL_UNSUPPORTED
-- only BATCH
CREATE TABLE snk (order_id BIGINT) WITH ({to snk.print});
INSERT INTO snk SELECT order_id FROM orders WHERE price > (SELECT AVG(amount) FROM payments);

-- unnest: CROSS JOIN UNNEST of an array
-- refused: SQL_UNSUPPORTED
CREATE TABLE snk (id INT, x INT) WITH ({to snk.print});
INSERT INTO snk SELECT id, x FROM facts CROSS JOIN UNNEST(ARRAY[1, 2]) AS t (x);

-- temporal-join: a join with the version of a row FOR SYSTEM_TIME AS OF
-- refused: SQL_UNSUPPORTED
-- only STREAMING
CREATE VIEW newest AS
SELECT order_id, amount, paid FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY order_id ORDER BY paid DESC) AS place FROM payments) AS p WHERE place = 1;
CREATE TABLE snk (order_id BIGINT, amount DECIMAL(8, 2)) WITH ({to snk.print});
INSERT INTO snk
SELECT o.order_id, p.amount FROM orders AS o LEFT JOIN newest FOR SYSTEM_TIME AS OF o.ordered AS p ON o.order_id = p.order_id;
