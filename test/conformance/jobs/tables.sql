-- Tables over the inputs of job-inputs.ts. A job has those that it names.
CREATE TABLE orders (
  order_id BIGINT NOT NULL, customer STRING, product STRING, quantity INT, price DECIMAL(8, 2), weight DOUBLE, ordered TIMESTAMP(3),
  WATERMARK FOR ordered AS ordered - INTERVAL '6' SECOND
) WITH ({from orders.csv}, 'csv.null-literal' = '');

CREATE TABLE payments (
  order_id BIGINT, amount DECIMAL(8, 2), `method` STRING, paid TIMESTAMP(3),
  WATERMARK FOR paid AS paid - INTERVAL '6' SECOND
) WITH ({from payments.json});

CREATE TABLE customers (customer STRING, name STRING, city STRING) WITH ({from customers.csv}, 'csv.ignore-parse-errors' = 'true');

CREATE TABLE facts (
  id INT, b BOOLEAN, i INT, l BIGINT, d DOUBLE, n DECIMAL(10, 2), s STRING, dt DATE, tm TIME, ts TIMESTAMP(3)
) WITH ({from facts.json});
