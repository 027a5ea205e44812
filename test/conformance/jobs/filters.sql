-- three-valued-logic: WHERE with AND, OR and NOT over NULLs
CREATE TABLE snk (id INT, b BOOLEAN, i INT) WITH ({to snk.json});
INSERT INTO snk SELECT id, b, i FROM facts WHERE NOT (b AND i > 0) OR (b IS NULL AND i IS NOT NULL);

-- truth-values: conditions as values: IS TRUE, IS NOT FALSE, IS UNKNOWN, IS DISTINCT FROM
CREATE TABLE snk (id INT, a BOOLEAN, c BOOLEAN, d BOOLEAN, e BOOLEAN, f BOOLEAN) WITH ({to snk.json});
INSERT INTO snk
SELECT id, (i > 0) IS TRUE, (i > 0) IS NOT FALSE, b IS UNKNOWN, i IS DISTINCT FROM CAST(l AS INT), b AND (i > 0) OR d < 0
FROM facts WHERE l IS NULL OR ABS(l) < 1000000000;

-- in-and-between: IN and NOT IN lists with NULL operands, BETWEEN, ranges of times
CREATE TABLE snk (id INT, s STRING, i INT, ts TIMESTAMP(3)) WITH ({to snk.json});
INSERT INTO snk
SELECT id, s, i, ts FROM facts
WHERE s IN ('a', '42', 'Zebra') OR i NOT IN (0, 1, -1) AND i BETWEEN -300 AND 300 OR ts >= TIMESTAMP '2026-01-01 00:00:00' AND dt < DATE '2026-06-01';

-- strings-compare: strings in their order, also beyond ASCII
CREATE TABLE snk (id INT, s STRING) WITH ({to snk.json});
INSERT INTO snk SELECT id, s FROM facts WHERE s > 'Zebra' AND s <> '😀' OR s = '';

-- views: views over views, WITH, and a subquery in FROM
CREATE VIEW dear AS SELECT order_id, customer, price * 2 AS doubled FROM orders WHERE price > 500;
CREATE VIEW known AS SELECT * FROM dear WHERE customer IS NOT NULL AND customer <> 'c1';
CREATE TABLE snk (order_id BIGINT, who STRING, doubled DECIMAL(12, 2)) WITH ({to snk.csv});
INSERT INTO snk
WITH named (id, who, doubled) AS (SELECT order_id, UPPER(customer), doubled FROM known)
SELECT id, who, doubled FROM (SELECT * FROM named WHERE doubled < 1800) AS few WHERE MOD(id, 2) = 0;

-- statement-set: three sinks of one scan, in one job
CREATE TABLE cheap (order_id BIGINT, price DECIMAL(8, 2)) WITH ({to cheap.csv});
CREATE TABLE heavy (order_id BIGINT, weight DOUBLE) WITH ({to heavy.json});
CREATE TABLE totals (product STRING, n BIGINT) WITH ({to totals.print});
EXECUTE STATEMENT SET BEGIN
  INSERT INTO cheap SELECT order_id, price FROM orders WHERE price < 200;
  INSERT INTO heavy SELECT order_id, weight FROM orders WHERE weight > 50;
  INSERT INTO totals SELECT product, COUNT(*) FROM orders GROUP BY product;
END;

-- insert-columns: an INSERT that names columns, in another order, and leaves one out
CREATE TABLE snk (a INT, b STRING, c BIGINT) WITH ({to snk.json});
INSERT INTO snk (c, a) SELECT l, i FROM facts WHERE id < 20;
