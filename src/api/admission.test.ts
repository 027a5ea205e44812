import fc from 'fast-check';
import { admit, InvalidObjectError } from './admission.ts';
import { changeClassOf, specChanges, specPaths } from './change-class.ts';
import { customResourceDefinition } from './crd.ts';
import type { FlowJob } from './flowjob.ts';
import { generatedFiles } from './generated-files.ts';
import { resolveSpec } from './resolved.ts';
import { durationMs, durationText, quantityValue } from './schema-kit.ts';
import { nearest } from './schema-check.ts';
import type { StructuralSchema } from './structural.ts';

const manifest = (spec: object, more: object = {}): object => ({
  apiVersion: 'flowjob.dev/v1alpha1',
  kind: 'FlowJob',
  metadata: { name: 'orders' },
  spec: { mode: 'Streaming', job: { sql: { inline: 'SELECT 1' } }, ...spec },
  ...more,
});

const window = (more: object): object => {
  const night = { name: 'night', schedule: '0 22 * * *', duration: '8h' };
  return manifest({ autoscaling: { schedules: [{ ...night, ...more }] } });
};

/** `field: problem -> remedy` of each complaint; empty when the object is admitted. */
function complaints(object: unknown): string[] {
  try {
    admit(object);
    return [];
  } catch (error) {
    if (!(error instanceof InvalidObjectError)) throw error;
    return error.errors.map(({ field, problem, remedy }) => `${field}: ${problem} -> ${remedy}`);
  }
}

describe('complaints name the field, the value and the remedy', () => {
  const cases: [string, object, string][] = [
    [
      'a field that is not known, near to one that is',
      manifest({ taskManager: { replica: 2 } }),
      'spec.taskManager.replica: unknown field -> did you mean spec.taskManager.replicas?',
    ],
    [
      'a field of a later version',
      manifest({ alerting: { enabled: true } }),
      'spec.alerting: unknown field -> remove it; spec has engine, mode, suspend, restartNonce, revisionHistoryLimit, job, state, upgrade, autoscaling, batch, deletionPolicy, jobManager, taskManager',
    ],
    [
      'a value that is not among the supported ones',
      manifest({ mode: 'streaming' }),
      'spec.mode: Unsupported value: "streaming": supported values: "Streaming", "Batch", "Automatic" -> did you mean "Streaming"?',
    ],
    ['a missing field', manifest({ job: { jar: {} } }), 'spec.job.jar.uri: Required value -> add spec.job.jar.uri'],
    [
      'a job that is neither SQL nor a jar',
      manifest({ job: {} }),
      'spec.job: Invalid value: object: a job is SQL or a jar -> write one of job.sql and job.jar',
    ],
    [
      'a number as text',
      manifest({ taskManager: { slots: '4' } }),
      'spec.taskManager.slots: Invalid value: "4": must be of type integer, is string -> write an integer here',
    ],
    [
      'a number out of bounds',
      manifest({ taskManager: { slots: 0 } }),
      'spec.taskManager.slots: Invalid value: 0: should be greater than or equal to 1 -> write a number greater than or equal to 1',
    ],
    [
      'a duration without its unit',
      manifest({ state: { checkpoint: { interval: '10' } } }),
      'spec.state.checkpoint.interval: Invalid value: "10": must match ^[0-9]+(ms|s|m|h|d)$ -> write a whole number and a unit of ms, s, m, h, d: 500ms, 10s, 5m, 1h, 7d',
    ],
    [
      'a duration as a bare number, which quotes alone would not mend',
      manifest({ state: { checkpoint: { interval: 10 } } }),
      'spec.state.checkpoint.interval: Invalid value: 10: must be of type string, is integer -> write a whole number and a unit of ms, s, m, h, d: 500ms, 10s, 5m, 1h, 7d',
    ],
    [
      'half a core as a bare number',
      manifest({ taskManager: { resources: { limits: { cpu: 0.5 } } } }),
      'spec.taskManager.resources.limits.cpu: Invalid value: 0.5: must be an integer or a string, is number -> put it in quotes: "0.5"',
    ],
    [
      'another version of the API',
      manifest({}, { apiVersion: 'flowjob.dev/v1' }),
      'apiVersion: Unsupported value: "flowjob.dev/v1": supported values: "flowjob.dev/v1alpha1" -> set apiVersion to flowjob.dev/v1alpha1',
    ],
    [
      'a name that no file and no service may have',
      manifest({}, { metadata: { name: '../Orders' } }),
      'metadata.name: Invalid value: "../Orders": must match ^[a-z]([-a-z0-9]*[a-z0-9])?$ -> write lower case letters, digits and dashes, beginning with a letter, for example flights-per-hour',
    ],
    [
      'a schedule that is no cron, without the pattern of it',
      window({ schedule: '99 * * * *' }),
      'spec.autoscaling.schedules[0].schedule: Invalid value: "99 * * * *": must be five fields of cron, or a name such as @daily -> write minute (0-59), hour (0-23), day of the month (1-31), month (1-12 or JAN-DEC) and day of the week (0-7 or SUN-SAT), each as *, 5, 1-5, */15 or a list of those, for example 0 22 * * MON-FRI',
    ],
    [
      'a schedule whose date never comes',
      window({ schedule: '0 0 30 2 *' }),
      'spec.autoscaling.schedules[0].schedule: Invalid value: "0 0 30 2 *": names a date that never comes -> correct the day or the month',
    ],
    [
      'savepoints on a date that never comes',
      manifest({ state: { savepoints: { schedule: '0 0 31 4 *' } } }),
      'spec.state.savepoints.schedule: Invalid value: "0 0 31 4 *": names a date that never comes -> correct the day or the month',
    ],
    [
      'a time zone that nobody knows',
      window({ timeZone: 'Mars/Phobos' }),
      'spec.autoscaling.schedules[0].timeZone: Invalid value: "Mars/Phobos": must be a time zone that the IANA knows (Invalid time zone specified: Mars/Phobos) -> write for example Europe/Berlin',
    ],
    [
      'a window that stops the job and opens again before it closes',
      window({ suspend: true, duration: '25h' }),
      'spec.autoscaling.schedules[0].duration: Invalid value: "25h": is not shorter than the longest time between two openings of "0 22 * * *", 1d, so that the job would never run -> shorten it, or set spec.suspend to stop the job for good',
    ],
    [
      'a time without work that is shorter than the time between two looks',
      manifest({ autoscaling: { scaleToZero: { idleAfter: '1ms' } } }),
      'spec.autoscaling.scaleToZero.idleAfter: Invalid value: "1ms": must be 10s or longer, because a job is looked at every 10 s -> raise it',
    ],
  ];
  test.each(cases)('%s', (_, object, complaint) => {
    expect(complaints(object)).toEqual([complaint]);
  });
});

test.each([
  ['2.3.0', '2.3'],
  ['2.30', '2.3'],
  ['9.9', null],
  ['taskManagr', 'taskManager'],
])('a slip of the pen is told what is meant, another word is not: %s', (word, meant) => {
  expect(nearest(word, ['1.20', '2.0', '2.1', '2.2', '2.3', 'taskManager', 'jobManager'])).toBe(meant);
});

test('all complaints are told at once', () => {
  expect(complaints(manifest({ mode: 'Batsh', suspend: 'no', taskManager: { slots: 100 } }))).toHaveLength(3);
});

test('whatever stands in a manifest, it is admitted or refused with complaints', () => {
  const word = fc.constantFrom(
    'mode',
    'job',
    'sql',
    'inline',
    'state',
    'checkpoint',
    'interval',
    'batch',
    'taskManager',
    'x',
  );
  const value = fc.letrec((tie) => ({
    node: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom('Batch', 'Streaming', '10s', '', null, true, -1, 1.5, 2 ** 60),
      fc.dictionary(word, tie('node'), { maxKeys: 4 }),
      fc.array(tie('node'), { maxLength: 2 }),
    ),
  })).node;
  fc.assert(
    fc.property(value, value, (spec, metadata) => {
      complaints({ apiVersion: 'flowjob.dev/v1alpha1', kind: 'FlowJob', metadata, spec });
      complaints(manifest(typeof spec === 'object' && spec !== null ? spec : {}));
      complaints(spec);
    }),
  );
});

describe('defaults', () => {
  const resolved = (spec: object) => resolveSpec((admit(manifest(spec)) as FlowJob).spec);

  test('a stream is upgraded and deleted with a savepoint', () => {
    const spec = resolved({});
    expect(spec).toMatchObject({
      engine: { type: 'Embedded' },
      suspend: false,
      restartNonce: 0,
      state: { checkpoint: { interval: '10s' } },
      upgrade: { strategy: 'Savepoint' },
      deletionPolicy: 'Savepoint',
      job: { parallelism: 2 },
      taskManager: { replicas: 1, slots: 2, resources: { limits: { memory: '512Mi' } } },
    });
    expect(spec.batch).toBeUndefined();
  });

  test('a batch has its limits, and nothing to do with savepoints', () => {
    expect(resolved({ mode: 'Batch' })).toMatchObject({
      upgrade: { strategy: 'Stateless' },
      deletionPolicy: 'Delete',
      batch: { backoffLimit: 3, ttlAfterFinished: { succeeded: '0s', failed: '1h' } },
    });
  });

  test('batch limits left out and written empty are the same', () => {
    expect(resolved({ mode: 'Batch', batch: {} })).toEqual(resolved({ mode: 'Batch' }));
  });

  test('a field without a value counts as left out', () => {
    expect(admit(manifest({ taskManager: null, suspend: null }))).toEqual(admit(manifest({})));
  });

  test('parallelism is replicas x slots, 128 at most', () => {
    expect(resolved({ taskManager: { replicas: 3, slots: 4 } }).job.parallelism).toBe(12);
    expect(resolved({ taskManager: { replicas: 128, slots: 64 } }).job.parallelism).toBe(128);
    expect(resolved({ job: { sql: { inline: 'x' }, parallelism: 1 } }).job.parallelism).toBe(1);
  });
});

describe('change classes', () => {
  test('every field that holds a value has one', () => {
    for (const path of specPaths())
      expect(changeClassOf(path)).toMatch(/^(none|in-place|rescale|restart|refused-while-running)$/);
    expect(() => changeClassOf('taskManager.replica')).toThrow(/spec.taskManager.replica is not a field/);
  });

  test('changes between two specs are told by field', () => {
    const before = (admit(manifest({})) as FlowJob).spec;
    const after = (admit(manifest({ suspend: true, taskManager: { slots: 4 } })) as FlowJob).spec;
    expect(specChanges(before, after)).toEqual([
      { path: 'suspend', before: false, after: true, changeClass: 'in-place' },
      { path: 'taskManager.slots', before: 2, after: 4, changeClass: 'restart' },
    ]);
    expect(specChanges(before, before)).toEqual([]);
  });
});

describe('the CRDs', () => {
  const schemas = (['FlowJob', 'FlowSavepoint'] as const).map((kind) => {
    const crd = customResourceDefinition(kind) as {
      spec: { versions: { schema: { openAPIV3Schema: StructuralSchema } }[] };
    };
    return [kind, crd.spec.versions[0]!.schema.openAPIV3Schema] as const;
  });

  test.each(schemas)(
    '%s is structural: every field has a type and a description, and holds nothing else',
    (_, schema) => {
      const allowed = new Set(
        'type description properties required items enum format pattern minLength maxLength minimum maximum maxItems maxProperties additionalProperties anyOf default'.split(
          ' ',
        ),
      );
      const walk = (node: StructuralSchema, path: string): void => {
        if (path !== 'metadata')
          expect({ path, described: (node.description ?? '') !== '' }).toEqual({ path, described: true });
        expect({ path, typed: node.type !== undefined || node['x-kubernetes-int-or-string'] === true }).toEqual({
          path,
          typed: true,
        });
        for (const key of Object.keys(node)) expect(allowed.has(key) || key.startsWith('x-kubernetes-')).toBe(true);
        // What CEL reads must be bounded, or the API server takes the worst case for its cost.
        if (path.startsWith('spec') && node.type === 'string' && node.enum === undefined)
          expect(node.maxLength).toBeDefined();
        for (const [name, child] of Object.entries(node.properties ?? {}))
          walk(child, path === '' ? name : `${path}.${name}`);
        if (node.items !== undefined) walk(node.items, `${path}[]`);
      };
      walk(schema, '');
    },
  );

  test.each(schemas)('%s is born with a status that no tool takes for ready', (_, schema) => {
    expect(schema.properties?.['status']?.default).toMatchObject({
      observedGeneration: -1,
      conditions: [{ type: 'Ready', status: 'Unknown', reason: 'NotSeen' }],
    });
  });

  test('the reference lists every field, condition and reason', () => {
    const page = generatedFiles()['docs/reference/flowjob.md']!;
    for (const path of specPaths()) expect(page).toContain(`\`spec.${path}\``);
    for (const name of ['Reconciling', 'Stalled', 'BackoffLimitExceeded', 'status.lastSavepoint.path'])
      expect(page).toContain(`\`${name}\``);
  });
});

test('durations and quantities are read as they are written', () => {
  expect([500, 90_000, 300_000, 86_400_000, 0].map(durationText)).toEqual(['500ms', '90s', '5m', '1d', '0ms']);
  expect(['500ms', '90s', '5m', '1h', '7d'].map(durationMs)).toEqual([500, 90_000, 300_000, 3_600_000, 604_800_000]);
  expect(() => durationMs('1 hour')).toThrow(/"1 hour" is not a duration/);
  expect(['512Mi', '1G', '500m', 2].map(quantityValue)).toEqual([2 ** 29, 1e9, 0.5, 2]);
  expect(() => quantityValue('lots')).toThrow(/"lots" is not a quantity/);
});
