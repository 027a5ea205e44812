import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { LocalStore } from './local-store.ts';

const SEED = Number(process.env.FLOWJOB_SEED ?? 20260131);
const ROUNDS = Number(process.env.FLOWJOB_ROUNDS ?? 4);

/** Mulberry32: small, seeded, good enough for moments. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Confirmed {
  name: string;
  /** Null: deleted. */
  nonce: number | null;
  version?: string;
}

test(`two writers killed at any moment lose no confirmed write and repeat no version (seed ${SEED})`, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'flowjob-crash-'));
  const next = random(SEED);
  const versions = new Set<string>();
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const outputs = await Promise.all(
        ['a', 'b'].map(async (writer) => {
          const child = spawn(process.execPath, [join(__dirname, 'crash-writer.fixture.ts'), directory, writer], {
            stdio: ['ignore', 'pipe', 'inherit'],
          });
          let text = '';
          child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
          await once(child.stdout, 'data');
          await pause(next() * 60);
          child.kill('SIGKILL');
          await once(child, 'close');
          return text;
        }),
      );
      const last = new Map<string, Confirmed>();
      for (const line of outputs.flatMap((text) => text.split('\n').slice(0, -1))) {
        const write = JSON.parse(line) as Confirmed;
        last.set(write.name, write);
        if (write.version === undefined) continue;
        expect(versions).not.toContain(write.version);
        versions.add(write.version);
      }
      const store = new LocalStore({ directory, now: () => new Date() });
      // A write makes the store put right what the killed writers left.
      await store.apply({
        apiVersion: 'flowjob.dev/v1alpha1',
        kind: 'FlowSavepoint',
        metadata: { name: `round-${round}` },
        spec: { jobRef: { name: 'a-0' } },
      });
      for (const [name, { nonce }] of last) {
        const stored = await store.get('FlowJob', { namespace: 'default', name });
        // The write after the confirmed one may have been done before the kill: then it is there as a whole.
        if (nonce === null) expect([undefined, 0]).toContain(stored?.spec.restartNonce);
        else expect([nonce, nonce + 1, undefined]).toContain(stored?.spec.restartNonce);
      }
      await store.close();
      expect(readdirSync(join(directory, 'flowjobs')).filter((file) => file.endsWith('.tmp'))).toEqual([]);
    }
    expect(versions.size).toBeGreaterThan(ROUNDS);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}, 60_000);
