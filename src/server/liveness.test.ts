import { VirtualClock } from '../kube/testing/virtual-clock.ts';
import { Liveness } from './liveness.ts';

function setUp() {
  const clock = new VirtualClock();
  const passes: number[] = [];
  const liveness = new Liveness({ clock, workingSince: () => passes[0] });
  return { clock, passes, liveness };
}

test('a pass that never ends makes it stuck, after ten minutes and not before', async () => {
  const { clock, passes, liveness } = setUp();
  passes.push(clock.monotonic());
  await clock.advance(600_000);
  expect(liveness.stuck).toBeNull();
  await clock.advance(10_000);
  expect(liveness.stuck).toContain('600 s');
});

test('passes that follow one another never make it stuck, however many hours they go on', async () => {
  const { clock, passes, liveness } = setUp();
  for (let hour = 0; hour < 60; hour++) {
    passes[0] = clock.monotonic();
    await clock.advance(300_000);
    expect(liveness.stuck).toBeNull();
  }
});

test('a process that was stopped for an hour is not stuck when it goes on', async () => {
  const { clock, passes, liveness } = setUp();
  // What it sees of such an hour is one late timer, and a pass that began long ago.
  passes.push(clock.monotonic() - 3_600_000);
  await clock.advance(20_000);
  expect(liveness.stuck).toBeNull();
});

test('it is alive when nothing is to be done', async () => {
  const { clock, liveness } = setUp();
  await clock.advance(3_600_000);
  expect(liveness.stuck).toBeNull();
});
