// The live table: redrawn in place on a terminal, a plain line per change in a pipe.

export interface JobLine {
  job: string;
  mode: string;
  state: string;
  /** Rows per second that the sources read; null when not known. */
  rate: number | null;
  parallelism: number | null;
  /** Milliseconds since the last completed checkpoint; null when there is none. */
  checkpointAge: number | null;
  lastEvent: string;
}

const columns: { title: string; width: number; cell: (line: JobLine) => string }[] = [
  { title: 'JOB', width: 24, cell: (line) => line.job },
  { title: 'MODE', width: 10, cell: (line) => line.mode },
  { title: 'STATE', width: 11, cell: (line) => line.state },
  { title: 'RATE', width: 11, cell: (line) => (line.rate === null ? '-' : `${formatCount(line.rate)}/s`) },
  { title: 'PAR', width: 4, cell: (line) => (line.parallelism === null ? '-' : String(line.parallelism)) },
  {
    title: 'CHECKPOINT',
    width: 11,
    cell: (line) => (line.checkpointAge === null ? '-' : `${(line.checkpointAge / 1000).toFixed(1)} s ago`),
  },
  { title: 'LAST EVENT', width: 60, cell: (line) => line.lastEvent },
];

/** 1234567 as `1.23M`. */
export function formatCount(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)}M`;
  return value >= 1e3 ? `${(value / 1e3).toFixed(0)}k` : value.toFixed(0);
}

/** Header and one line per job, no wider than `width`. */
export function renderTable(lines: JobLine[], width: number): string[] {
  const row = (cells: string[]): string =>
    cells
      .map((cell, index) => cell.slice(0, columns[index]!.width).padEnd(columns[index]!.width))
      .join(' ')
      .trimEnd()
      .slice(0, width);
  return [
    row(columns.map((column) => column.title)),
    ...lines.map((line) => row(columns.map((column) => column.cell(line)))),
  ];
}

/** For a terminal that does not tell its width. */
const WIDTH = 120;

/** Draws on `out`; `note` prints a line that stays. */
export class LiveTable {
  private readonly out: NodeJS.WriteStream;
  private drawn = 0;
  private readonly told = new Map<string, string>();

  constructor(out: NodeJS.WriteStream) {
    this.out = out;
  }

  note(text: string): void {
    this.erase();
    this.out.write(`${text}\n`);
  }

  update(lines: JobLine[]): void {
    if (!this.out.isTTY) {
      for (const line of lines) this.tell(line);
      return;
    }
    this.erase();
    const table = renderTable(lines, this.out.columns || WIDTH);
    this.out.write(table.map((line) => `${line}\n`).join(''));
    this.drawn = table.length;
  }

  /** Leaves the last table standing. */
  end(): void {
    this.drawn = 0;
  }

  private erase(): void {
    if (this.drawn > 0) this.out.write(`\x1b[${this.drawn}A\x1b[J`);
    this.drawn = 0;
  }

  private tell(line: JobLine): void {
    const key = `${line.state} ${line.lastEvent}`;
    if (this.told.get(line.job) === key) return;
    this.told.set(line.job, key);
    const rate = line.rate === null ? '' : ` ${formatCount(line.rate)} rows/s`;
    this.out.write(
      `  ${line.job} ${line.mode} ${line.state}${rate}${line.lastEvent === '' ? '' : `: ${line.lastEvent}`}\n`,
    );
  }
}
