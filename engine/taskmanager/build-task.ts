// Puts a task together from its deployment: channels, chain, source reader, sink writers.
import { join } from 'node:path';
import { attemptTag } from '../checkpoint/attempt.ts';
import type { CheckpointStorage } from '../checkpoint/storage.ts';
import type { Clock } from '../clock.ts';
import type { Connectors } from '../connectors/registry.ts';
import type { OperatorContext } from '../operators/operator.ts';
import type {
  ChannelDescriptor,
  InputDescriptor,
  OutputDescriptor,
  TaskDeployment,
  TaskMessage,
} from '../rpc/protocol.ts';
import type { ChannelHub } from '../shuffle/channel-hub.ts';
import { PipelinedOutput, type EdgeOutput } from '../shuffle/edge-output.ts';
import { InputChannel } from '../shuffle/input-channel.ts';
import { InputGate, type ElementSource } from '../shuffle/input-gate.ts';
import { OutputChannel } from '../shuffle/output-channel.ts';
import { ProducerLost } from '../shuffle/producer-lost.ts';
import { SpillFileChannel, spillExists } from '../shuffle/spill-input.ts';
import { SpillOutput } from '../shuffle/spill-output.ts';
import type { TemporaryFiles } from '../storage/temporary-files.ts';
import { stateBudget, stateTimeToLive } from './managed-memory.ts';
import { OperatorChain } from './operator-chain.ts';
import type { TaskLoop } from './task-loop.ts';
import { TaskMetrics } from './task-metrics.ts';
import { TaskSink } from './task-sink.ts';
import { TaskSource } from './task-source.ts';
import { Task } from './task.ts';

/** What tasks share with their slot. */
export interface SlotServices {
  hub: ChannelHub;
  loop: TaskLoop;
  storage: CheckpointStorage;
  connectors: Connectors;
  temporaryFiles: TemporaryFiles;
  /** Folder of this TaskManager for the job's attempt. */
  spillFolder: (deployment: TaskDeployment) => string;
  clock: Clock;
  print: (line: string) => void;
  report: (message: TaskMessage) => void;
}

/**
 * Builds the task; it does nothing before `start()`. Throws what operators and connectors throw on a bad specification: the caller then releases the
 * deployment's channels.
 */
export function buildTask(deployment: TaskDeployment, services: SlotServices): Task {
  const files: SpillFileChannel[] = [];
  try {
    return assemble(deployment, services, files);
  } catch (error) {
    for (const file of files) file.close();
    throw error;
  }
}

/** `files` gets what is opened to be read. */
function assemble(deployment: TaskDeployment, services: SlotServices, files: SpillFileChannel[]): Task {
  const { vertex, subtask } = deployment;
  const { temporaryFiles } = services;
  const metrics = new TaskMetrics(services.clock.monotonic);
  let task: Task | null = null;
  const wake = (): void => task?.wake();

  const outputs = deployment.outputs.map((output) => openOutput(deployment, output, services, wake));
  const connections: { descriptor: ChannelDescriptor; input: InputChannel }[] = [];
  const openInput = (input: InputDescriptor, descriptor: ChannelDescriptor): ElementSource => {
    const blocking = descriptor.spill !== null;
    if (descriptor.spill !== null && spillExists(temporaryFiles, descriptor.spill.path)) {
      const { spill, producerExecution } = descriptor;
      const file = new SpillFileChannel(temporaryFiles, spill, producerExecution, input.edge.schema);
      files.push(file);
      return file;
    }
    const channel = new InputChannel(descriptor.id, input.edge.schema, wake, (message) => {
      void task?.fail(new ProducerLost(message, blocking ? descriptor.producerExecution : null));
    });
    connections.push({ descriptor, input: channel });
    return channel;
  };
  const channels = deployment.inputs.flatMap((input) => input.channels.map((channel) => openInput(input, channel)));
  const gate = channels.length === 0 ? null : new InputGate(channels);

  const spillFolder = join(services.spillFolder(deployment), `operators-${deployment.execution}`);
  const context: OperatorContext = {
    subtask,
    parallelism: vertex.parallelism,
    mode: deployment.mode,
    now: services.clock.now,
    count: metrics.count,
    stateBudget: stateBudget(deployment),
    stateTimeToLive: stateTimeToLive(deployment.config),
    spillDirectory: () => {
      temporaryFiles.makeFolder(spillFolder);
      return spillFolder;
    },
    temporaryFiles,
  };
  const sinks = openSinks(deployment, services, metrics);
  const chain = new OperatorChain(vertex.operators, context, outputs, sinks);
  const source = openSource(deployment, services, metrics, wake);
  const scopes = deployment.metricScopes;
  metrics.totals = () => ({
    numRecordsOut: rowsOut(outputs),
    numBytesIn: gate?.bytesReceived ?? 0,
    numBytesOut: outputs.reduce((sum, output) => sum + output.bytes, 0),
    ...Object.fromEntries(
      chain.rowCounts().flatMap(([operatorId, counts]) => [
        [`${scopes[operatorId]}.numRecordsIn`, counts.in],
        [`${scopes[operatorId]}.numRecordsOut`, counts.out],
      ]),
    ),
  });

  const outputIds = deployment.outputs.flatMap((output) => output.channels);
  task = new Task({
    deployment,
    chain,
    source,
    gate,
    outputs,
    sinks: [...sinks.values()],
    storage: services.storage,
    metrics,
    monotonic: services.clock.monotonic,
    report: services.report,
    schedule: (runnable) => services.loop.schedule(runnable),
    linger: (runnable) => services.loop.linger(runnable),
    release: () => {
      services.hub.release(
        outputIds,
        connections.map(({ descriptor }) => descriptor.id),
      );
      for (const file of files) file.close();
      temporaryFiles.remove(spillFolder);
    },
  });
  for (const { descriptor, input } of connections) services.hub.connect(descriptor, input);
  return task;
}

/** A row that an operator sends over several edges has gone out once, as in Flink. */
function rowsOut(outputs: EdgeOutput[]): number {
  const rows = new Map(outputs.map((output) => [output.operatorId, output.rows]));
  return [...rows.values()].reduce((sum, count) => sum + count, 0);
}

function openOutput(
  deployment: TaskDeployment,
  { edge, channels }: OutputDescriptor,
  { hub, spillFolder, temporaryFiles }: SlotServices,
  wake: () => void,
): EdgeOutput {
  if (edge.shuffle === 'BLOCKING') {
    const name = `${deployment.execution}-${deployment.outputs.findIndex((output) => output.edge.id === edge.id)}.shuffle`;
    const path = join(spillFolder(deployment), name);
    return new SpillOutput(edge, path, channels.length, deployment.subtask, temporaryFiles);
  }
  const opened = channels.map((id) => new OutputChannel(id, wake));
  for (const channel of opened) hub.offer(channel);
  return new PipelinedOutput(edge, opened, deployment.subtask);
}

function openSource(
  { vertex, subtask, execution }: TaskDeployment,
  { clock, connectors, report }: SlotServices,
  metrics: TaskMetrics,
  wake: () => void,
): TaskSource | null {
  const spec = vertex.operators[0];
  if (spec?.type !== 'Source') return null;
  const reader = connectors.source(spec.table).createReader({
    table: spec.table,
    projection: spec.projection,
    outputSchema: spec.outputSchema,
    subtask,
    parallelism: vertex.parallelism,
    now: clock.now,
    monotonic: clock.monotonic,
    after: clock.after,
    count: metrics.count,
    wake,
  });
  const request = (): void => report({ type: 'requestSplit', execution, operatorId: spec.id });
  return new TaskSource(spec.id, spec.table.name, reader, metrics, request);
}

function openSinks(deployment: TaskDeployment, services: SlotServices, metrics: TaskMetrics): Map<string, TaskSink> {
  const sinks = new Map<string, TaskSink>();
  for (const spec of deployment.vertex.operators) {
    if (spec.type !== 'Sink') continue;
    const writer = services.connectors.sink(spec.table).createWriter({
      table: spec.table,
      subtask: deployment.subtask,
      parallelism: deployment.vertex.parallelism,
      jobKey: deployment.config['flowjob.job-key'] ?? 'job',
      attemptTag: attemptTag(deployment),
      attempt: deployment.attempt,
      operatorId: spec.id,
      now: services.clock.now,
      count: metrics.count,
      print: services.print,
    });
    sinks.set(spec.id, new TaskSink(spec.table.name, writer, metrics));
  }
  return sinks;
}
