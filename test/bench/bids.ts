// Generates auction bids (the shape of Nexmark's) as CSV and as JSON lines, two files of each, in event-time order. Seeded.
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export interface BidFiles {
  csv: string;
  json: string;
}

/** One bid per tenth of a millisecond from 2026-01-01 on; 100,000 bidders, one auction per 15 bids; about 213 bytes as CSV. */
export function generateBids(folder: string, rows: number, seed: number): BidFiles {
  const done = join(folder, `bids-${rows}-${seed}`);
  const files = { csv: join(done, 'csv'), json: join(done, 'json') };
  if (existsSync(done)) return files;
  const work = `${done}.partial`;
  rmSync(work, { recursive: true, force: true });
  const random = mulberry32(seed);
  const out = (['csv', 'json'] as const).map((format) => {
    mkdirSync(join(work, format), { recursive: true });
    return [0, 1].map((part) => new BufferedFile(join(work, format, `part-${part}.${format}`)));
  });
  const start = Date.UTC(2026, 0, 1);
  const alphabet = 'abcdefghijklmnopqrstuvwxyz';
  const padding = Array.from({ length: 4096 }, () => alphabet[Math.floor(random() * 26)]).join('');
  const channels = ['Google', 'Facebook', 'Baidu', 'Apple'];
  for (let row = 0; row < rows; row++) {
    const auction = 1000 + Math.floor(row / 15) - Math.floor(random() * Math.min(100, 1 + row / 15));
    const bidder = 1000 + Math.floor(random() * 100_000);
    const price = 100 + Math.floor(random() * random() * 10_000_000);
    const channel = channels[Math.floor(random() * 4)]!;
    const at = Math.floor(random() * 3500);
    const url = `https://www.nexmark.com/${padding.slice(at, at + 5)}/${padding.slice(at + 5, at + 10)}/item.htm?query=1`;
    const time = new Date(start + Math.floor(row / 10)).toISOString().slice(0, 23).replace('T', ' ');
    const extra = padding.slice(at + 10, at + 119);
    out[0]![row & 1]!.line(`${auction},${bidder},${price},${channel},${url},${time},${extra}`);
    out[1]![row & 1]!.line(
      `{"auction":${auction},"bidder":${bidder},"price":${price},"channel":"${channel}","url":"${url}","dateTime":"${time}","extra":"${extra}"}`,
    );
  }
  for (const file of out.flat()) file.close();
  renameSync(work, done);
  return files;
}

class BufferedFile {
  private readonly fd: number;
  private lines: string[] = [];
  constructor(path: string) {
    this.fd = openSync(path, 'w');
  }
  line(text: string): void {
    this.lines.push(text);
    if (this.lines.length === 8192) this.flush();
  }
  close(): void {
    this.flush();
    closeSync(this.fd);
  }
  private flush(): void {
    if (this.lines.length > 0) writeSync(this.fd, this.lines.join('\n') + '\n');
    this.lines = [];
  }
}

/** A small seeded generator of numbers in [0, 1). */
export function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
