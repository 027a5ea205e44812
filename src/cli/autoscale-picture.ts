// A picture of an autoscaled job: load and capacity, what waits and for how long, and parallelism, over time. What was not known is a gap in its line.
import type { Point } from '../autoscaler/journal.ts';

const WIDTH = 860;
const LEFT = 90;
const PANEL = 130;
const GAP = 40;

interface Line {
  label: string;
  colour: string;
  value: (point: Point) => number | null;
  /** Steps, not slopes: it has one value until it has another. */
  steps?: boolean;
}

const PANELS: readonly { title: string; lines: readonly Line[] }[] = [
  {
    title: 'records/s',
    lines: [
      { label: 'capacity', colour: '#2a9d8f', value: ({ capacity }) => capacity },
      { label: 'load', colour: '#e76f51', value: ({ load }) => load },
    ],
  },
  { title: 'records waiting', lines: [{ label: 'waiting', colour: '#8d5524', value: ({ pending }) => pending }] },
  { title: 'seconds behind', lines: [{ label: 'lag', colour: '#9d4edd', value: ({ lag }) => lag }] },
  {
    title: 'parallelism',
    lines: [{ label: 'parallelism', colour: '#264653', value: ({ parallelism }) => parallelism, steps: true }],
  },
];

/** SVG text. */
export function autoscalePicture(job: string, points: readonly Point[]): string {
  const from = points[0]?.at ?? 0;
  const to = Math.max(from + 1, points.at(-1)?.at ?? 0);
  const x = (at: number): number => LEFT + ((at - from) / (to - from)) * (WIDTH - LEFT - 20);
  const panels = PANELS.map(({ title, lines }, index) => {
    const top = 50 + index * (PANEL + GAP);
    const values = lines.flatMap(({ value }) => points.flatMap((point) => value(point) ?? []));
    const highest = Math.max(1, ...values);
    const y = (value: number): number => top + PANEL - (value / highest) * PANEL;
    const drawn = lines.map(({ label, colour, value, steps }) => {
      const d = pathOf(points, value, x, y, steps === true);
      return `<path class="${label}" d="${d}" fill="none" stroke="${colour}" stroke-width="1.5"/>`;
    });
    const names = lines.map(
      ({ label, colour }, i) =>
        `<text x="${WIDTH - 20 - i * 80}" y="${top - 6}" fill="${colour}" text-anchor="end">${label}</text>`,
    );
    return [
      `<text x="${LEFT}" y="${top - 6}">${title}</text>`,
      `<line x1="${LEFT}" y1="${top + PANEL}" x2="${WIDTH - 20}" y2="${top + PANEL}" stroke="#999"/>`,
      `<text x="${LEFT - 8}" y="${top + 10}" text-anchor="end">${Math.round(highest)}</text>`,
      `<text x="${LEFT - 8}" y="${top + PANEL}" text-anchor="end">0</text>`,
      ...names,
      ...drawn,
    ].join('\n');
  });
  const height = 50 + PANELS.length * (PANEL + GAP);
  const time = (at: number): string => new Date(at).toISOString().slice(0, 19);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
<text x="${LEFT}" y="22" font-size="15">${escaped(job)}: ${time(from)}Z to ${time(to)}Z</text>
${panels.join('\n')}
</svg>
`;
}

function pathOf(
  points: readonly Point[],
  value: Line['value'],
  x: (at: number) => number,
  y: (value: number) => number,
  steps: boolean,
): string {
  let path = '';
  let drawing = false;
  for (const point of points) {
    const found = value(point);
    if (found !== null) {
      const [px, py] = [x(point.at).toFixed(1), y(found).toFixed(1)];
      path += drawing ? (steps ? `H${px}V${py}` : `L${px} ${py}`) : `M${px} ${py}`;
    }
    drawing = found !== null;
  }
  return path;
}

const escaped = (text: string): string => text.replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`);
