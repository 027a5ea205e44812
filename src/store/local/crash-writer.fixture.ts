// Child process of the crash test: writes to a store until it is killed. Each line on its output is a write that the store has confirmed.
import type { FlowJob } from '../../api/flowjob.ts';
import { LocalStore } from './local-store.ts';

const [, , directory = '', writer = ''] = process.argv;
const store = new LocalStore({ directory, now: () => new Date() });
const confirmed = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

for (let round = 0; ; round++) {
  const name = `${writer}-${round % 3}`;
  const key = { namespace: 'default', name };
  const existing = await store.get('FlowJob', key);
  if (existing === null) {
    const created = await store.create({
      apiVersion: 'flowjob.dev/v1alpha1',
      kind: 'FlowJob',
      metadata: { name },
      spec: { mode: 'Batch', job: { sql: { inline: 'SELECT 1' } } },
    });
    confirmed({ name, nonce: created.spec.restartNonce, version: created.metadata.resourceVersion });
  } else if (round % 7 === 6) {
    await store.delete('FlowJob', key);
    confirmed({ name, nonce: null });
  } else {
    const next: FlowJob = { ...existing, spec: { ...existing.spec, restartNonce: existing.spec.restartNonce + 1 } };
    const updated = await store.update<'FlowJob'>(next);
    confirmed({ name, nonce: updated.spec.restartNonce, version: updated.metadata.resourceVersion });
  }
}
