// The JobManager's end of the RPC: TaskManagers connect, show the token, register; after that messages flow both ways.
import { Connection } from '../rpc/connection.ts';
import type { FrameLink, Network } from '../rpc/network.ts';
import type { RegisterMessage, ToJobManager, ToTaskManager } from '../rpc/protocol.ts';
import { tokenMatches } from '../rpc/token.ts';
import type { CoordinatorEvent, TaskManagerInfo } from './coordinator/messages.ts';

type Link = Connection<ToTaskManager, ToJobManager>;

export class TaskManagerLinks {
  private readonly token: string | null;
  private readonly greeting: ToTaskManager;
  private readonly deliver: (event: CoordinatorEvent) => void;
  private readonly links = new Map<string, Link>();

  /** `greeting` is the answer to a registration; `deliver` gets what the TaskManagers report. */
  constructor(token: string | null, greeting: ToTaskManager, deliver: (event: CoordinatorEvent) => void) {
    this.token = token;
    this.greeting = greeting;
    this.deliver = deliver;
  }

  /** The port that it listens on. */
  async listen(network: Network, host: string, port: number): Promise<number> {
    return (await network.listen(host, port, (link) => this.accept(link))).port;
  }

  send(taskManagerId: string, message: ToTaskManager): void {
    this.links.get(taskManagerId)?.send(message);
  }

  sendAll(message: ToTaskManager): void {
    for (const link of this.links.values()) link.send(message);
  }

  drop(taskManagerId: string, reason: string): void {
    const link = this.links.get(taskManagerId);
    this.links.delete(taskManagerId);
    link?.close(new Error(reason));
  }

  private accept(frames: FrameLink): void {
    const link: Link = new Connection(frames);
    let id: string | null = null;
    link.start({
      message: (message) => {
        if (id === null) id = this.register(link, message);
        else if (this.links.get(id) === link) this.receive(id, link, message);
      },
      closed: (error) => {
        if (id === null || this.links.get(id) !== link) return;
        this.links.delete(id);
        const reason = error === null ? 'its connection was closed' : `its connection failed: ${error.message}`;
        this.deliver({ type: 'taskManagerLost', taskManagerId: id, reason });
      },
    });
  }

  /** The id of who has registered; null, and the connection is closed, when it may not. */
  private register(link: Link, message: ToJobManager): string | null {
    if (message.type !== 'register' || !tokenMatches(this.token, message.token)) {
      link.close(new Error('not registered'));
      return null;
    }
    link.trust();
    const { resourceId } = message;
    const earlier = this.links.get(resourceId);
    this.links.set(resourceId, link);
    earlier?.close();
    // First of all messages: the coordinator's answer to the registration may be a deployment.
    link.send(this.greeting);
    this.deliver({ type: 'taskManagerRegistered', info: infoOf(message) });
    return resourceId;
  }

  private receive(taskManagerId: string, link: Link, message: ToJobManager): void {
    switch (message.type) {
      case 'register':
        return;
      case 'heartbeat':
        link.send({ type: 'heartbeat' });
        this.deliver({ ...message, taskManagerId });
        return;
      default:
        this.deliver({ type: 'task', message });
    }
  }
}

function infoOf({ resourceId, slots, pid, cpuCores, physicalMemory }: RegisterMessage): TaskManagerInfo {
  return {
    taskManagerId: resourceId,
    slots: slots.map(({ host, port }, slot) => ({ taskManagerId: resourceId, slot, host, port })),
    pid,
    cpuCores,
    physicalMemory,
  };
}
