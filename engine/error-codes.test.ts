import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ERROR_CODES } from './error-codes.ts';

/** All source of the engine and of what speaks with it, but for the table itself. */
function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /\.ts$/.test(entry.name) && !/(\.test|error-codes)\.ts$/.test(entry.name)
      ? [readFileSync(path, 'utf8')]
      : [];
  });
}

// That each code in use is in the table is the compiler's business: EngineError takes no other.
test('the table of error codes has no code that nothing uses', () => {
  const text = [...sources(__dirname), ...sources(join(__dirname, '../src'))].join('\n');
  const unused = Object.keys(ERROR_CODES).filter((code) => !new RegExp(`['"\`]${code}['"\`]`).test(text));
  expect(unused).toEqual([]);
});
