// The folder of a checkpoint or savepoint in some object store: names in it, and how people know it.
import type { ObjectStore } from '../storage/object-store.ts';

/** Folder of page files, beside those of a job's checkpoints. */
export const SHARED = 'shared';

export class StateFolder {
  readonly store: ObjectStore;
  /** Stands before every name: ends with `/`. */
  readonly prefix: string;
  /** As it stands in error messages and in what users are told: a path or URI. */
  readonly path: string;

  constructor(store: ObjectStore, prefix: string, path: string) {
    this.store = store;
    this.prefix = prefix;
    this.path = path;
  }

  key(name: string): string {
    return this.prefix + name;
  }

  /** The folder of that name beside this one. */
  sibling(name: string): StateFolder {
    const parent = this.prefix.slice(0, this.prefix.lastIndexOf('/', this.prefix.length - 2) + 1);
    return new StateFolder(
      this.store,
      `${parent}${name}/`,
      `${this.path.slice(0, this.path.lastIndexOf('/') + 1)}${name}`,
    );
  }

  /** How people know the object of this name. */
  nameOf(name: string): string {
    return `${this.path}/${name}`;
  }

  /** Names of the objects in it, those of folders in it too. */
  async list(): Promise<string[]> {
    return (await this.store.list(this.prefix)).map((key) => key.slice(this.prefix.length));
  }
}
