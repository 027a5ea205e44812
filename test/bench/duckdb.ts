// The batch query of the demo in DuckDB, as the other side of a ratio and as an oracle.
import { DuckDBInstance } from '@duckdb/node-api';

export interface OracleRow {
  origin: string;
  destination: string | null;
  flights: number;
  meanDelay: number | null;
  distance: number;
}

/** Runs both aggregations of examples/flights-by-origin.yaml over `parquet` with `threads` threads. Seconds include reading the file. */
export async function duckdbFlights(parquet: string, threads: number): Promise<{ seconds: number; rows: OracleRow[] }> {
  const instance = await DuckDBInstance.create(':memory:', { threads: String(threads) });
  const connection = await instance.connect();
  try {
    const source = `read_parquet('${parquet.replaceAll("'", "''")}')`;
    const columns = 'COUNT(*)::DOUBLE AS flights, AVG(delay)::DOUBLE AS mean_delay, SUM(distance)::DOUBLE AS distance';
    const started = process.hrtime.bigint();
    const origins = await connection.runAndReadAll(
      `SELECT origin, NULL AS destination, ${columns} FROM ${source} GROUP BY origin`,
    );
    const routes = await connection.runAndReadAll(
      `SELECT origin, destination, ${columns} FROM ${source} GROUP BY origin, destination`,
    );
    const seconds = Number(process.hrtime.bigint() - started) / 1e9;
    const rows = [...origins.getRowObjects(), ...routes.getRowObjects()].map((row): OracleRow => ({
      origin: row['origin'] as string,
      destination: row['destination'] as string | null,
      flights: row['flights'] as number,
      meanDelay: row['mean_delay'] as number | null,
      distance: row['distance'] as number,
    }));
    return { seconds, rows };
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
