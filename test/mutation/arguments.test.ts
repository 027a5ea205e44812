import { spawnSync } from 'node:child_process';

const start = (program: string, ...args: string[]) =>
  spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', timeout: 60_000 });

describe.each([
  ['test/mutation/main.ts', 'usage: npm run mutate'],
  ['test/soak/main.ts', 'usage: npm run soak'],
])('%s', (program, usage) => {
  test('tells how it is used and does nothing else', () => {
    const { status, stdout, stderr } = start(program, '--help');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain(usage);
    expect(stdout).not.toContain('caught');
  });

  test('refuses a flag that it does not know', () => {
    const { status, stdout, stderr } = start(program, '--wrte');
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toContain("'--wrte'");
    expect(stderr).toContain(usage);
    expect(stderr).not.toContain('    at ');
  });
});
