// A slot: the tasks of one thread, their channels, and what the main thread asks of them.
import type { CheckpointStorage } from '../checkpoint/storage.ts';
import type { Clock } from '../clock.ts';
import type { Connectors } from '../connectors/registry.ts';
import type { TaskCommand, TaskDeployment, TaskMessage } from '../rpc/protocol.ts';
import type { ChannelHub } from '../shuffle/channel-hub.ts';
import type { TemporaryFiles } from '../storage/temporary-files.ts';
import { buildTask } from './build-task.ts';
import type { FromSlot, ToSlot } from './slot-messages.ts';
import { spillFolder } from './spill-folder.ts';
import { taskError } from './task-error.ts';
import { TaskLoop } from './task-loop.ts';
import type { Task } from './task.ts';
import type { ThreadMemory } from './thread-memory.ts';

interface Running {
  task: Task;
  deployment: TaskDeployment;
}

export interface SlotOptions {
  hub: ChannelHub;
  storage: CheckpointStorage;
  taskManagerId: string;
  temporaryDirectory: string;
  connectors: Connectors;
  temporaryFiles: TemporaryFiles;
  clock: Clock;
  /** Of this thread. */
  memory: () => ThreadMemory;
  send: (message: FromSlot) => void;
}

export class Slot {
  private readonly options: SlotOptions;
  private readonly loop: TaskLoop;
  private readonly tasks = new Map<string, Running>();
  private printed = '';

  constructor(options: SlotOptions) {
    this.options = options;
    this.loop = new TaskLoop(options.clock);
  }

  receive(message: ToSlot): void {
    switch (message.type) {
      case 'deploy':
        this.deploy(message.task);
        return;
      case 'collectMetrics':
        this.sendMetrics();
        return;
      default:
        this.command(message);
    }
  }

  private deploy(deployment: TaskDeployment): void {
    const { hub, storage, connectors, temporaryFiles, clock } = this.options;
    try {
      const task = buildTask(deployment, {
        hub,
        storage,
        connectors,
        temporaryFiles,
        loop: this.loop,
        spillFolder: (of) =>
          spillFolder(this.options.temporaryDirectory, of.jobId, of.epoch, this.options.taskManagerId),
        clock,
        print: (line) => this.print(line),
        report: (message) => this.report(message),
      });
      this.tasks.set(deployment.execution, { task, deployment });
      void task.start();
    } catch (error) {
      hub.release(
        deployment.outputs.flatMap((output) => output.channels),
        deployment.inputs.flatMap((input) => input.channels.map((channel) => channel.id)),
      );
      this.report({
        type: 'taskState',
        execution: deployment.execution,
        state: 'FAILED',
        error: taskError(error),
        metrics: {},
        result: null,
      });
    }
  }

  private command(command: TaskCommand): void {
    this.tasks.get(command.execution)?.task.command(command);
  }

  private report(message: TaskMessage): void {
    this.flushPrinted();
    if (
      message.type === 'taskState' &&
      (message.state === 'FINISHED' || message.state === 'FAILED' || message.state === 'CANCELED')
    )
      this.tasks.delete(message.execution);
    this.options.send({ type: 'report', message });
  }

  private sendMetrics(): void {
    const tasks = [...this.tasks.values()].map(({ task }) => task);
    this.options.send({
      type: 'metrics',
      tasks: tasks.map((task) => task.report()),
      stateBytes: tasks.reduce((sum, task) => sum + task.stateBytes, 0),
      memory: this.options.memory(),
    });
  }

  /** Lines of one turn of the event loop go in one message. */
  private print(line: string): void {
    if (this.printed === '') this.options.clock.soon(() => this.flushPrinted());
    this.printed += `${line}\n`;
    if (this.printed.length > 1 << 16) this.flushPrinted();
  }

  private flushPrinted(): void {
    if (this.printed === '') return;
    this.options.send({ type: 'print', lines: this.printed });
    this.printed = '';
  }
}
