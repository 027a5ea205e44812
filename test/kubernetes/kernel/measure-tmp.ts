import { startFixture, THINGS, thing } from './fixture.ts';
const f = await startFixture();
await f.client.create(THINGS, thing('a'));
const { resourceVersion } = await f.client.list(THINGS);
const t = performance.now();
try {
  for await (const e of f.client.watch(
    THINGS,
    {},
    { resourceVersion, timeoutSeconds: 250, silenceMs: 200_000, signal: new AbortController().signal },
  ))
    console.log(
      ((performance.now() - t) / 1000).toFixed(1),
      e.type,
      'resourceVersion' in e ? e.resourceVersion : e.object.metadata.resourceVersion,
    );
} catch (e) {
  console.log(String(e));
}
console.log('end', ((performance.now() - t) / 1000).toFixed(1));
await f.stop();
