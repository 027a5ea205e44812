// The account that an import gives: for each value of the input where it went, or why it went nowhere and what to do about it.
import { leavesOf, pathText, type Leaf, type Path } from './leaves.ts';

/** `ToDo`: something that the job had is missing until somebody acts. `NothingToDo`: what it did is done anyway, or means nothing any more. */
export type Weight = 'ToDo' | 'NothingToDo';

export interface Remark {
  weight: Weight;
  text: string;
}

export interface Entry {
  /** A value of the input, or a map or list with all that is in it. */
  path: Path;
  /** Fields of the output that hold it. */
  to: Path[];
  remarks: Remark[];
}

export class Account {
  readonly #entries = new Map<string, Entry>();

  get entries(): Entry[] {
    return [...this.#entries.values()];
  }

  mapped(path: Path, to: Path): void {
    this.#entry(path).to.push(to);
  }

  remark(path: Path, weight: Weight, text: string): void {
    const { remarks } = this.#entry(path);
    if (!remarks.some((remark) => remark.text === text)) remarks.push({ weight, text });
  }

  /** Values of the input that `field` of the output is of. */
  sourcesOf(field: string): Path[] {
    const holds = (path: Path): boolean => {
      const text = pathText(path);
      return field === text || field.startsWith(`${text}.`) || field.startsWith(`${text}[`);
    };
    return this.entries.filter(({ to }) => to.some(holds)).map(({ path }) => path);
  }

  /** Whether `path`, or what it is part of, is accounted for. */
  covers(path: Path): boolean {
    return path.some((_step, index) => {
      const entry = this.#entries.get(JSON.stringify(path.slice(0, index + 1)));
      return entry !== undefined && (entry.to.length > 0 || entry.remarks.length > 0);
    });
  }

  /** Values of `input`, which stands at `origin`, that nothing is said about yet. */
  open(input: unknown, origin: Path = []): Leaf[] {
    return leavesOf(input, origin).filter(({ path }) => !this.covers(path));
  }

  #entry(path: Path): Entry {
    const key = JSON.stringify(path);
    const entry = this.#entries.get(key) ?? { path, to: [], remarks: [] };
    this.#entries.set(key, entry);
    return entry;
  }
}
