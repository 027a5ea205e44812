// spec.jobManager and spec.taskManager: resources in Kubernetes' quantities, and the role's pod template.
import { show } from '../api/schema-check.ts';
import { cpuQuantity, memoryBytes, memoryQuantity } from './flink-values.ts';
import { isMap, valueAt, type Json } from './leaves.ts';
import { containerPatch, type Role } from './pod-templates.ts';
import { templateRules } from './template-fields.ts';
import { mapped, toDo, type Hand, type Rule } from './rules.ts';

const MEMORY_REMEDY = 'write for example 2g, 2048m (mebibytes) or 2Gi';
const CPU_REMEDY = 'write a number of cores, for example 1 or 0.5';

export function roleRules(role: Role): Rule[] {
  const of = `spec.${role}`;
  const limits = `${of}.resources.limits`;
  const requests = `${of}.resources.requests`;
  return [
    mapped(
      `${of}.resource.memory`,
      `${limits}.memory`,
      'Flink’s units (`2048m` are mebibytes) as Kubernetes’ (`2Gi`).',
      (value, hand) => {
        if (hasResources(role, hand)) return hand.nothingToDo(`spec.${role}.resources counts, here as there`);
        withMemory(value, hand, (bytes) => memoryLimit(role, bytes, hand));
      },
    ),
    mapped(
      `${of}.resource.cpu`,
      `${limits}.cpu`,
      'Times kubernetes.ROLE.cpu.limit-factor, if that is set.',
      (value, hand) => {
        if (hasResources(role, hand)) return hand.nothingToDo(`spec.${role}.resources counts, here as there`);
        cpuLimit(role, value as string | number, hand);
      },
    ),
    mapped(
      `${of}.resource.ephemeralStorage`,
      `${of}.podTemplate`,
      'ephemeral-storage of the engine’s container.',
      (value, hand) => {
        withMemory(value, hand, (bytes) => {
          const storage = { 'ephemeral-storage': memoryQuantity(bytes) };
          hand.pod(role, containerPatch(role, { resources: { limits: storage, requests: storage } }));
        });
      },
    ),
    mapped(
      `${of}.resources.requests.memory`,
      [`${requests}.memory`, `${limits}.memory`],
      'Flink’s units first, as the other operator reads it. Also the limit, where none is set.',
      (value, hand) =>
        withMemory(value, hand, (bytes) => {
          hand.put(`${requests}.memory`, memoryQuantity(bytes));
          const limit = valueAt(hand.object, ['spec', role, 'resources', 'limits', 'memory']);
          if (limit === undefined) hand.put(`${limits}.memory`, memoryQuantity(bytes));
          else if ((typeof limit === 'string' || typeof limit === 'number') && memoryBytes(limit) !== bytes)
            hand.toDo('sized Flink’s process there; here the limit does: set both alike, if it is to stay as large');
        }),
    ),
    mapped(`${of}.resources.limits.memory`, `${limits}.memory`, 'As it is, in Kubernetes’ units.', (value, hand) =>
      withMemory(value, hand, (bytes) => hand.put(`${limits}.memory`, memoryQuantity(bytes))),
    ),
    mapped(
      `${requests}.cpu`,
      [`${requests}.cpu`, `${limits}.cpu`],
      'Also the limit, where none is set, times kubernetes.ROLE.cpu.limit-factor.',
      (value, hand) => {
        const cores = cpuQuantity(value as string | number);
        if (cores === null) return hand.refuse(`Invalid value: ${show(value)}: is no number of cores`, CPU_REMEDY);
        const limit = valueAt(hand.object, ['spec', role, 'resources', 'limits', 'cpu']);
        if (limit === undefined) cpuLimit(role, value as string | number, hand);
        hand.put(`${requests}.cpu`, cores);
      },
    ),
    mapped(`${limits}.cpu`, `${limits}.cpu`, 'As it is.', (value, hand) => {
      const cores = cpuQuantity(value as string | number);
      if (cores === null) return hand.refuse(`Invalid value: ${show(value)}: is no number of cores`, CPU_REMEDY);
      hand.put(`${limits}.cpu`, cores);
    }),
    ...(['requests', 'limits'] as const).map((bound) =>
      mapped(
        `${of}.resources.${bound}.*`,
        `${of}.podTemplate`,
        'Others than memory and cpu: resources of the engine’s container.',
        (value, hand) => hand.pod(role, containerPatch(role, { resources: { [bound]: { [hand.key]: value } } })),
      ),
    ),
    ...templateRules(`${of}.podTemplate`, [role]),
    toDo(
      `${of}.volumeClaimTemplates`,
      'Pods of a FlowJob have names of their own in each attempt: mount a claim by podTemplate, or an ephemeral volume with a volumeClaimTemplate.',
    ),
  ];
}

export const PREFIX: Readonly<Record<Role, string>> = { jobManager: 'jobmanager', taskManager: 'taskmanager' };

/** By how much the limit of Flink's native mode is above what is asked for. */
function factorOf(role: Role, { settings }: Hand): number {
  const factor = Number(settings.get(`kubernetes.${PREFIX[role]}.cpu.limit-factor`) ?? 1);
  return Number.isFinite(factor) && factor >= 1 ? factor : 1;
}

/** Memory of Flink's process, which is also the limit of its container. */
export function memoryLimit(role: Role, bytes: number, hand: Hand): void {
  hand.put(`spec.${role}.resources.limits.memory`, memoryQuantity(bytes));
}

export function cpuLimit(role: Role, value: string | number, hand: Hand): void {
  const factor = factorOf(role, hand);
  const [cores, most] = [cpuQuantity(value), cpuQuantity(value, factor)];
  if (cores === null || most === null)
    return hand.refuse(`Invalid value: ${show(value)}: is no number of cores`, CPU_REMEDY);
  hand.put(`spec.${role}.resources.limits.cpu`, most);
  if (factor > 1) hand.put(`spec.${role}.resources.requests.cpu`, cores);
}

/** What becomes of the number of cores that the factor multiplies, where the role has no limit of its own: a limit, an error, or there is no such number. */
export function madeOfCores(role: Role, hand: Hand): 'Limit' | 'Error' | null {
  const own = valueAt(hand.object, ['spec', role]);
  const asked = valueAt(own, ['resources', 'requests', 'cpu']);
  const before = hasResources(role, hand) ? undefined : valueAt(own, ['resource', 'cpu']);
  const amount = roleSays(role, 'cpu', hand) ? undefined : hand.settings.get(`kubernetes.${PREFIX[role]}.cpu.amount`);
  const cores = asked ?? before ?? amount;
  if (cores === undefined || cores === null) return null;
  const isUsable = typeof cores === 'string' || typeof cores === 'number';
  return isUsable && cpuQuantity(cores, factorOf(role, hand)) !== null ? 'Limit' : 'Error';
}

function withMemory(value: unknown, hand: Hand, use: (bytes: number) => void): void {
  const bytes = typeof value === 'string' || typeof value === 'number' ? memoryBytes(value) : null;
  if (bytes === null || bytes === 0)
    return hand.refuse(`Invalid value: ${show(value)}: is no size of memory`, MEMORY_REMEDY);
  use(bytes);
}

/** The other operator passes over all of `resource` then (ResourceConfigUtils.hasResourceRequirements). */
function hasResources(role: Role, { object }: Hand): boolean {
  const bounds = ['requests', 'limits'].map((bound) => valueAt(object, ['spec', role, 'resources', bound]));
  return bounds.some((amounts) => isMap(amounts) && Object.keys(amounts).length > 0);
}

/** Whether the role's own fields say its memory or CPU, which count before the configuration. */
export function roleSays(role: Role, what: 'memory' | 'cpu', { object }: Hand): boolean {
  const own = valueAt(object, ['spec', role]) as Json | undefined;
  return [['resource'], ['resources', 'requests'], ['resources', 'limits']].some(
    (place) => valueAt(own, [...place, what]) !== undefined,
  );
}
