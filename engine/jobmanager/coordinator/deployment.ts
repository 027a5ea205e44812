// What a subtask is deployed with: its place, and the channels to its neighbours.
import type { ExecEdge, ExecPlan } from '../../plan/exec-plan.ts';
import type { ChannelDescriptor, InputDescriptor, OutputDescriptor, TaskDeployment } from '../../rpc/protocol.ts';
import type { Execution, ExecutionGraph, GraphVertex } from './execution-graph.ts';
import type { CoordinatorOptions } from './messages.ts';

/** The subtasks of the source vertex that a subtask of the target reads. */
export function producersOf(edge: ExecEdge, source: GraphVertex, subtask: number): Execution[] {
  if (edge.exchange.kind === 'FORWARD') return source.subtasks.filter((producer) => producer.subtask === subtask);
  return source.subtasks;
}

/** The subtasks of the target vertex that a subtask of the source sends to, in the order of the partitioner's targets. */
function consumersOf(edge: ExecEdge, target: GraphVertex, subtask: number): number[] {
  switch (edge.exchange.kind) {
    case 'FORWARD':
      return [subtask];
    case 'SINGLETON':
      return [0];
    case 'HASH':
    case 'REBALANCE':
      return target.subtasks.map((consumer) => consumer.subtask);
  }
}

/** The execution must have its slot, and so must the producers that it reads from. */
export function deploymentOf(
  graph: ExecutionGraph,
  execution: Execution,
  options: CoordinatorOptions,
  restore: string | null,
): TaskDeployment {
  const vertex = graph.specOf(execution);
  const { edges } = graph.plan;
  return {
    execution: execution.id,
    slot: execution.slot!.slot,
    jobId: options.jobId,
    epoch: options.attempt.epoch,
    restart: options.attempt.restart,
    attempt: execution.attempt,
    mode: graph.plan.mode,
    vertex,
    subtask: execution.subtask,
    inputs: edges.filter((edge) => edge.targetVertex === vertex.id).map((edge) => inputOf(graph, edge, execution)),
    outputs: edges.filter((edge) => edge.sourceVertex === vertex.id).map((edge) => outputOf(graph, edge, execution)),
    restore,
    config: Object.fromEntries(options.config),
    statefulOperators: statefulOperators(graph.plan),
    metricScopes: Object.fromEntries(vertex.operators.map(({ id }) => [id, graph.metricScopes.get(id)!])),
  };
}

/** The operators of a job that hold more the more rows have come; a slot runs one subtask of each. */
function statefulOperators({ vertices }: ExecPlan): number {
  const stateful = ['GroupAggregate', 'WindowAggregate', 'Sort'];
  return vertices.flatMap(({ operators }) => operators).filter(({ type }) => stateful.includes(type)).length;
}

/** Names the producer's execution, so that a channel of an earlier attempt is another channel. */
function channelId(edge: ExecEdge, producer: Execution, consumer: number): string {
  return `${edge.id}/${producer.id}/${consumer}`;
}

function inputOf(graph: ExecutionGraph, edge: ExecEdge, consumer: Execution): InputDescriptor {
  const source = graph.vertexOf(edge.sourceVertex);
  const consumers = (producer: Execution): number[] =>
    consumersOf(edge, graph.vertexOf(edge.targetVertex), producer.subtask);
  const channels = producersOf(edge, source, consumer.subtask).map((producer): ChannelDescriptor => {
    const path = producer.result?.partitions.find(({ edgeId }) => edgeId === edge.id)?.path;
    return {
      id: channelId(edge, producer, consumer.subtask),
      producerExecution: producer.id,
      producer: producer.slot!,
      spill: path === undefined ? null : { path, partition: consumers(producer).indexOf(consumer.subtask) },
    };
  });
  return { edge, channels };
}

function outputOf(graph: ExecutionGraph, edge: ExecEdge, producer: Execution): OutputDescriptor {
  const target = graph.vertexOf(edge.targetVertex);
  return {
    edge,
    channels: consumersOf(edge, target, producer.subtask).map((consumer) => channelId(edge, producer, consumer)),
  };
}
