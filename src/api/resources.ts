// Memory and CPU of JobManager and TaskManagers: Kubernetes' ResourceRequirements, and what holds where the manifest says nothing.
import { Type } from '@sinclair/typebox';
import type { EngineType } from './engine.ts';
import { quantity, quantityValue, type CelRule } from './schema-kit.ts';

const NAMES = { JobManager: 'the JobManager', TaskManager: 'a TaskManager' } as const;
type Role = keyof typeof NAMES;

/** A JVM needs more than a process of Node: Flink's own defaults for small jobs. */
const DEFAULT_MEMORY = {
  jobManager: { Embedded: '256Mi', Flink: '1Gi' },
  taskManager: { Embedded: '512Mi', Flink: '1728Mi' },
} as const;

/** The limit of a role whose manifest has none; never below what is set aside for it. */
export function defaultMemory(
  role: keyof typeof DEFAULT_MEMORY,
  engine: EngineType,
  request: string | number | undefined,
): string | number {
  const memory = DEFAULT_MEMORY[role][engine];
  return request !== undefined && quantityValue(request) > quantityValue(memory) ? request : memory;
}

function requestBelowLimit(name: string): CelRule {
  return {
    rule:
      `!has(self.requests) || !has(self.requests.${name}) || !has(self.limits) || !has(self.limits.${name}) || ` +
      `quantity(string(self.requests.${name})).compareTo(quantity(string(self.limits.${name}))) <= 0`,
    message: `requests.${name} must not be above limits.${name}: lower the request or raise the limit`,
    fieldPath: `.requests.${name}`,
  };
}

function memoryLimit(role: Role) {
  const { Embedded, Flink } = DEFAULT_MEMORY[role === 'JobManager' ? 'jobManager' : 'taskManager'];
  return quantity({
    description: `Memory of ${NAMES[role]} as a whole; the engine sizes its heap and buffers to fit in it.`,
    'x-flowjob-change': 'restart',
    'x-flowjob-default': `${Embedded}, with engine.type Flink ${Flink}; not below requests.memory`,
    'x-kubernetes-validations': [
      {
        rule: "quantity(string(self)).compareTo(quantity('128Mi')) >= 0",
        message: 'must be at least 128Mi, without which a process of the engine does not start: raise it',
      },
    ],
  });
}

function parts(role: Role) {
  const who = NAMES[role];
  const cpu = Type.Optional(
    quantity({ description: `Most CPU cores that ${who} may use.`, 'x-flowjob-change': 'restart' }),
  );
  const requests = Type.Optional(
    Type.Object(
      {
        memory: Type.Optional(quantity({ description: `Memory set aside for ${who}.`, 'x-flowjob-change': 'restart' })),
        cpu: Type.Optional(quantity({ description: `CPU cores set aside for ${who}.`, 'x-flowjob-change': 'restart' })),
      },
      { description: `What is set aside for ${who}.` },
    ),
  );
  return { cpu, requests };
}

export function resources(role: Role) {
  const { cpu, requests } = parts(role);
  const limits = Type.Object(
    { memory: Type.Optional(memoryLimit(role)), cpu },
    { description: `Upper bounds for ${NAMES[role]}.`, default: {} },
  );
  return Type.Object(
    { limits, requests },
    {
      description: `Resources of ${NAMES[role]}, as in a pod's container.`,
      default: {},
      'x-kubernetes-validations': [requestBelowLimit('memory'), requestBelowLimit('cpu')],
    },
  );
}

/** The same with the limit filled in. */
export function resolvedResources(role: Role) {
  const { cpu, requests } = parts(role);
  const limits = Type.Object({ memory: memoryLimit(role), cpu }, { description: `Upper bounds for ${NAMES[role]}.` });
  return Type.Object({ limits, requests }, { description: `Resources of ${NAMES[role]}.` });
}
