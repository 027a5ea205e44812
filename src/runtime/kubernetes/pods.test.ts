import { resolveSpec } from '../../api/resolved.ts';
import type { FlowJobSpec } from '../../api/flowjob.ts';
import { runningWorld } from '../../lifecycle/simulated-world.fixture.ts';
import type { AttemptPlan } from '../port.ts';
import { jobManagerPod, taskManagerPod } from './pods.ts';

const spec = (resources: FlowJobSpec['taskManager']['resources']): FlowJobSpec => ({
  engine: { type: 'Embedded' },
  mode: 'Streaming',
  suspend: false,
  restartNonce: 0,
  job: { sql: { inline: 'SELECT 1' } },
  state: { checkpoint: { interval: '10s' } },
  upgrade: {},
  jobManager: { resources: { limits: { memory: '256Mi' } } },
  taskManager: { replicas: 1, slots: 1, resources },
});

interface Container {
  command: string[];
  args: string[];
  resources: object;
}

const limits = { memory: '512Mi', cpu: '1' };
const settings = { image: 'flowjob:dev' };
const planOf = (resources: FlowJobSpec['taskManager']['resources'], taskManagerMemory?: string): AttemptPlan => ({
  key: { namespace: 'default', name: 'orders' },
  uid: 'u',
  attempt: { epoch: 1, jobId: 'a'.repeat(32), specHash: '', startedAt: '', runStartedAt: '', healthy: true },
  spec: resolveSpec(spec(resources)),
  taskManagerMemory,
});

function containerOf(resources: FlowJobSpec['taskManager']['resources'], taskManagerMemory?: string): Container {
  const manifest = taskManagerPod(planOf(resources, taskManagerMemory), settings, { index: 0, restarts: 0 });
  return (manifest.spec as { containers: Container[] }).containers[0]!;
}

test('a TaskManager that is given other memory than the spec says has it as its limit, its heap and its own reckoning', () => {
  const { resources, args, command } = containerOf({ limits, requests: { memory: '512Mi' } }, '768Mi');
  expect(resources).toEqual({ limits: { memory: '768Mi', cpu: '1' }, requests: { memory: '512Mi' } });
  expect(args.join(' ')).toContain('-D taskmanager.memory.process.size=768m');
  expect(command).toContain('--max-old-space-size=307');
  expect(containerOf({ limits, requests: { memory: '512Mi' } }, '256Mi').resources).toMatchObject({
    limits: { memory: '256Mi' },
    requests: { memory: '256Mi' },
  });
  const plain = containerOf({ limits });
  expect(plain.resources).toEqual({ limits });
  expect(plain.args.join(' ')).not.toContain('memory.process.size');
});

test('the selector of the scale subresource finds the TaskManagers, and not the JobManager', () => {
  const selector = runningWorld(spec({ limits })).job.status!.taskManager!.selector;
  const isFound = ({ labels }: { labels: Record<string, string> }): boolean =>
    selector.split(',').every((part) => labels[part.split('=')[0]!] === part.split('=')[1]);
  const plan = planOf({ limits });
  expect(isFound(taskManagerPod(plan, settings, { index: 1, restarts: 0 }).metadata)).toBe(true);
  expect(isFound(jobManagerPod(plan, settings).metadata)).toBe(false);
});
