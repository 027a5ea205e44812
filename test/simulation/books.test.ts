// What the books say of files that appear in an order in which they must not.
import { OutputBooks } from './books.ts';
import { SimDisk } from './disk.ts';
import { World } from './world.ts';

/** The names appear one after the other. */
async function violations(...names: string[]): Promise<string[]> {
  const disk = new SimDisk(new World(1, false), 1);
  const books = new OutputBooks(disk, '/out', false, []);
  disk.onChange = (path) => books.changed(path);
  const files = disk.of(null);
  await files.makeDirectory('/out');
  for (const name of names) await (await files.create(`/out/${name}`, { exclusive: true })).close();
  return books.violations;
}

test('a file of an attempt must not appear behind one of a later attempt', async () => {
  const [first, restarted, second] = ['part-sim-a-0-1-9.csv', 'part-sim-a-0-1.1-3.csv', 'part-sim-b-0-2-4.csv'];
  expect(await violations(first, restarted, second)).toEqual([]);
  expect(await violations(restarted, first)).toEqual([
    `/out/${first} appears after /out/${restarted}, of a later attempt`,
  ]);
  expect(await violations(second, restarted)).toHaveLength(1);
});
