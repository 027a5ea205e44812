// Before the tests that run Apache Flink: it is there. Fetching it takes longer than a test may; what is done is told as it goes.
import { ensureFlink } from './distribution.ts';

export default async function setup(): Promise<void> {
  await ensureFlink(console.log);
}
