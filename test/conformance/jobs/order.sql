-- order-and-limit: ORDER BY with LIMIT and OFFSET
-- only BATCH
CREATE TABLE snk (order_id BIGINT, price DECIMAL(8, 2)) WITH ({to snk.csv});
INSERT INTO snk SELECT order_id, price FROM orders ORDER BY price DESC, order_id LIMIT 20 OFFSET 5;

-- order-of-nulls: ORDER BY with NULLs first by default, and last where it is said
-- only BATCH
CREATE TABLE up (order_id BIGINT, quantity INT) WITH ({to up.csv});
CREATE TABLE down (order_id BIGINT, quantity INT) WITH ({to down.csv});
CREATE TABLE told (order_id BIGINT, quantity INT) WITH ({to told.csv});
EXECUTE STATEMENT SET BEGIN
  INSERT INTO up SELECT order_id, quantity FROM orders ORDER BY quantity, order_id LIMIT 40;
  INSERT INTO down SELECT order_id, quantity FROM orders ORDER BY quantity DESC, order_id LIMIT 40;
  INSERT INTO told SELECT order_id, quantity FROM orders ORDER BY quantity NULLS LAST, order_id LIMIT 230;
END;

-- order-of-groups: ORDER BY an aggregate that is not selected, by place and by alias
-- only BATCH
CREATE TABLE snk (product STRING, n BIGINT) WITH ({to snk.csv});
INSERT INTO snk SELECT product, COUNT(*) AS n FROM orders GROUP BY product ORDER BY SUM(price) DESC, 2, n LIMIT 3;

-- limit-in-subquery: LIMIT of a part of a UNION
-- only BATCH
CREATE TABLE snk (id BIGINT) WITH ({to snk.print});
INSERT INTO snk (SELECT order_id FROM orders ORDER BY order_id DESC LIMIT 3) UNION ALL (SELECT order_id FROM payments ORDER BY order_id, paid LIMIT 7);

-- limit-in-a-stream: LIMIT with ORDER BY in a stream
-- refused: SQL_UNSUPPORTED
-- only STREAMING
CREATE TABLE snk (order_id BIGINT, price DECIMAL(8, 2)) WITH ({to snk.print});
INSERT INTO snk SELECT order_id, price FROM orders ORDER BY price DESC, order_id LIMIT 5;

-- top-n: the first rows of each key by ROW_NUMBER
-- refused: SQL_UNSUPPORTED
CREATE TABLE snk (product STRING, order_id BIGINT) WITH ({to snk.print});
INSERT INTO snk
SELECT product, order_id FROM (
  SELECT product, order_id, ROW_NUMBER() OVER (PARTITION BY product ORDER BY price DESC, order_id) AS place FROM orders
) AS ranked WHERE place <= 3;

-- deduplication: the newest row of each key
-- refused: SQL_UNSUPPORTED
CREATE TABLE snk (customer STRING, order_id BIGINT) WITH ({to snk.print});
INSERT INTO snk
SELECT customer, order_id FROM (
  SELECT customer, order_id, ROW_NUMBER() OVER (PARTITION BY customer ORDER BY ordered DESC) AS place FROM orders
) AS ranked WHERE place = 1;

-- over: an aggregate OVER the rows before
-- refused: SQL_UNSUPPORTED
CREATE TABLE snk (order_id BIGINT, so_far BIGINT) WITH ({to snk.print});
INSERT INTO snk
SELECT order_id, COUNT(*) OVER (PARTITION BY product ORDER BY ordered ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM orders;

-- order-of-distinct: SELECT DISTINCT with ORDER BY and LIMIT
-- only BATCH
CREATE TABLE snk (product STRING, quantity INT) WITH ({to snk.csv});
INSERT INTO snk SELECT DISTINCT product, quantity FROM orders WHERE quantity > 3 ORDER BY quantity DESC, product LIMIT 25;
