// Events as they reach the API server: whole, counted, cut to size, and never in anybody's way.
import { ConnectionError } from './errors.ts';
import { EventRecorder, type EventToTell } from './events.ts';
import { ApiError } from './errors.ts';
import { referenceTo, THINGS, stored } from './testing/things.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

interface Written {
  verb: 'create' | 'patch';
  body: { note?: string; series?: { count: number; lastObservedTime: string }; metadata?: { name: string } } & object;
}

let clock: VirtualClock;
let written: Written[];
let dropped: string[];
let failing: Error | null;
let recorder: EventRecorder;

beforeEach(() => {
  clock = new VirtualClock();
  written = [];
  dropped = [];
  failing = null;
  const write = async (verb: Written['verb'], body: object): Promise<never> => {
    written.push({ verb, body });
    if (failing !== null) throw failing;
    return body as never;
  };
  recorder = new EventRecorder({
    client: {
      create: (_, object) => write('create', object),
      patch: (_, __, patch) => write('patch', (patch as { merge: object }).merge),
    },
    controller: 'example.dev/operator',
    instance: 'operator-1',
    clock,
    random: () => 0.5,
    metrics: { eventDropped: (cause) => dropped.push(cause) },
  });
});

const event = (message: string, name = 'a'): EventToTell => ({
  regarding: referenceTo(THINGS, stored(name, `uid-${name}`, 5)),
  type: 'Warning',
  action: 'StartPod',
  reason: 'QuotaExceeded',
  message,
});

test('an event says who tells it, about what, and when to six digits of a second', async () => {
  recorder.record({ ...event('no room'), related: { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'p' } });
  await clock.advance(0);
  expect(written).toEqual([
    {
      verb: 'create',
      body: {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { namespace: 'default', name: expect.stringMatching(/^a\.[0-9a-f]+$/) as string },
        eventTime: '2026-01-01T00:00:00.000000Z',
        reportingController: 'example.dev/operator',
        reportingInstance: 'operator-1',
        regarding: { apiVersion: 'example.dev/v1', kind: 'Thing', namespace: 'default', name: 'a', uid: 'uid-a' },
        related: { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'p' },
        type: 'Warning',
        action: 'StartPod',
        reason: 'QuotaExceeded',
        note: 'no room',
      },
    },
  ]);
});

test('equal events are one series, whose count is written at most every ten seconds, and not at all when nothing is new', async () => {
  for (let i = 0; i < 5; i++) recorder.record(event('no room'));
  await clock.advance(9_999);
  expect(written).toHaveLength(1);
  recorder.record(event('no room'));
  const at = clock.now();
  await clock.advance(60_000);
  expect(written.slice(1)).toEqual([
    { verb: 'patch', body: { series: { count: 6, lastObservedTime: expect.any(String) as string } } },
  ]);
  expect(Date.parse(written[1]!.body.series!.lastObservedTime)).toBe(at);
  await clock.advance(3_600_000);
  expect(written).toHaveLength(2);
});

test('what happens again after the series is over is an event of its own', async () => {
  recorder.record(event('no room'));
  await clock.advance(400_000);
  recorder.record(event('no room'));
  await clock.advance(0);
  expect(written.map(({ verb }) => verb)).toEqual(['create', 'create']);
  expect(written[0]!.body.metadata!.name).not.toBe(written[1]!.body.metadata!.name);
});

test('another message is another event', async () => {
  recorder.record(event('no room'));
  recorder.record(event('still no room'));
  await clock.advance(0);
  expect(written.map(({ body }) => body.note)).toEqual(['no room', 'still no room']);
});

test('an event that the server has forgotten is written anew, with its count', async () => {
  recorder.record(event('no room'));
  await clock.advance(0);
  failing = new ApiError('PATCH', 404, { reason: 'NotFound' });
  recorder.record(event('no room'));
  await clock.advance(10_000);
  expect(written.slice(1)).toMatchObject([{ verb: 'patch' }, { verb: 'create', body: { series: { count: 2 } } }]);
});

test.each([
  ['x'.repeat(2_000), 1_024],
  ['ü'.repeat(1_000), 1_023],
  ['😀'.repeat(1_000), 1_023],
])('a long message is cut to 1,024 bytes, between two characters', async (message, bytes) => {
  recorder.record(event(message));
  await clock.advance(0);
  const note = written[0]!.body.note!;
  expect(Buffer.byteLength(note)).toBe(bytes);
  expect(note).toMatch(/^(x+|ü+|(😀)+)…$/u);
});

test('one object that has too much to say is cut short, another is not, and it may go on after a while', async () => {
  for (let i = 0; i < 40; i++) recorder.record(event(`no ${i}`));
  recorder.record(event('mine', 'b'));
  await clock.advance(0);
  expect(written).toHaveLength(26);
  expect(dropped).toHaveLength(15);
  await clock.advance(60_000);
  recorder.record(event('once more'));
  recorder.record(event('and again'));
  await clock.advance(0);
  expect(written).toHaveLength(27);
});

test('what cannot be written is counted and dropped, and nobody is bothered', async () => {
  failing = new ApiError('POST', 403, { reason: 'Forbidden' });
  recorder.record(event('in a namespace that goes'));
  await clock.advance(0);
  expect(dropped).toEqual(['Forbidden']);
  failing = new ConnectionError('reset', true, null);
  recorder.record(event('no room'));
  await clock.advance(300_000);
  expect(dropped).toEqual(['Forbidden', 'error']);
  expect(written).toHaveLength(5);
});

test.each([
  new ConnectionError('reset', true, null),
  new ApiError('POST', 504, { reason: 'Timeout' }),
  new ApiError('POST', 429, { reason: 'TooManyRequests' }),
])(
  'an event that a busy server did not take (%s) is written some seconds later, under the same name',
  async (error) => {
    failing = error;
    recorder.record(event('no room'));
    await clock.advance(0);
    failing = null;
    await clock.advance(10_000);
    expect(dropped).toEqual([]);
    expect(written.map(({ verb }) => verb)).toEqual(['create', 'create']);
    expect(written[1]!.body.metadata!.name).toBe(written[0]!.body.metadata!.name);
  },
);

test('an event of which only the answer was lost is not written twice', async () => {
  failing = new ConnectionError('reset', true, null);
  recorder.record(event('no room'));
  await clock.advance(0);
  failing = new ApiError('POST', 409, { reason: 'AlreadyExists' });
  await clock.advance(10_000);
  failing = null;
  recorder.record(event('no room'));
  await clock.advance(10_000);
  expect(dropped).toEqual([]);
  expect(written.map(({ verb }) => verb)).toEqual(['create', 'create', 'patch']);
});

test('close writes the counts that are not written yet', async () => {
  recorder.record(event('no room'));
  await clock.advance(0);
  recorder.record(event('no room'));
  await recorder.close();
  expect(written).toMatchObject([{ verb: 'create' }, { verb: 'patch', body: { series: { count: 2 } } }]);
});
