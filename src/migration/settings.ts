// spec.flinkConfiguration as one map of keys to texts: nested maps are keys with dots, lists are joined as Flink does, former names are the names of today.
import { isMap, type Path } from './leaves.ts';

export interface Setting {
  /** By its name of today. */
  key: string;
  /** As it is written. */
  written: string;
  text: string;
  /** Where its values stand in the input: a list has several. */
  path: Path;
  /** The key counts in another place: why this one does not. */
  passedOver?: string;
}

export class Settings {
  readonly all: readonly Setting[];
  readonly #counting: ReadonlyMap<string, Setting>;
  readonly #inherited: Settings | null;

  /** `current` gives a key's name of today. `inherited` are the settings of the session that a job is of: its own count before them. */
  constructor(configuration: unknown, current: (key: string) => string, inherited: Settings | null = null) {
    const root = ['spec', 'flinkConfiguration'];
    this.#inherited = inherited;
    const found = isMap(configuration) ? flatten(configuration, root, '') : [];
    const counting = new Map<string, Setting>();
    // The name of today counts before a former one, whatever their order; of the same name the last one.
    for (const former of [true, false])
      for (const { key, text, path } of found)
        if ((current(key) !== key) === former)
          counting.set(current(key), { key: current(key), written: key, text, path });
    this.#counting = counting;
    this.all = found.map(({ key, text, path }) => {
      const winner = counting.get(current(key))!;
      const setting = { key: current(key), written: key, text, path };
      return winner.path === path ? setting : { ...setting, passedOver: `stands here twice: ${winner.key} counts` };
    });
  }

  get(key: string): string | undefined {
    return this.#counting.get(key)?.text ?? this.#inherited?.get(key);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** What the session says; what the job has a value of its own for is passed over. */
  inherited(): Setting[] {
    return (this.#inherited?.all ?? []).map((setting) =>
      this.#counting.has(setting.key)
        ? { ...setting, passedOver: 'the FlinkSessionJob has a value of its own' }
        : setting,
    );
  }
}

interface Found {
  key: string;
  text: string;
  path: Path;
}

function flatten(map: Record<string, unknown>, path: Path, prefix: string): Found[] {
  return Object.entries(map).flatMap(([name, value]) => {
    const key = `${prefix}${name}`;
    const at = [...path, name];
    if (isMap(value) && Object.keys(value).length > 0) return flatten(value, at, `${key}.`);
    return [{ key, text: textOf(value), path: at }];
  });
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(';');
  const plain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  return plain ? String(value) : '';
}
