// Java's date patterns (yyyy-MM-dd HH:mm:ss.SSS and the like), compiled once per pattern to a formatter and a parser.
import { EngineError } from '../../errors.ts';
import { civil, DAY, dayOfYear, daysOf, floorMod, smartDate } from './time.ts';

type Token = { letter: string; count: number } | { text: string };

const MONTHS = 'January February March April May June July August September October November December'.split(' ');
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

function tokenize(pattern: string): Token[] {
  const tokens: Token[] = [];
  const scanner = /'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+/gy;
  while (scanner.lastIndex < pattern.length) {
    const match = scanner.exec(pattern);
    if (match === null) throw badPattern(pattern, 'a quote is not closed');
    if (match[1] !== undefined) tokens.push({ text: match[1] === '' ? "'" : match[1].replaceAll("''", "'") });
    else if (match[2] === undefined) tokens.push({ text: match[0] });
    else {
      if (!'yuMLdHhkKmsSaEDn'.includes(match[2])) throw badPattern(pattern, `letter ${match[2]} is not supported`);
      tokens.push({ letter: match[2], count: match[0].length });
    }
  }
  return tokens;
}

function badPattern(pattern: string, why: string): EngineError {
  return new EngineError('DATE_PATTERN', `date pattern '${pattern}': ${why}`, {
    hint: "use y M d H h m s S a E D and quoted text, as in yyyy-MM-dd'T'HH:mm:ss.SSS",
  });
}

const pad = (value: number, count: number): string => String(value).padStart(count, '0');

function field(token: { letter: string; count: number }, millis: number): string {
  const { letter, count } = token;
  const days = Math.floor(millis / DAY);
  const time = millis - days * DAY;
  const hour = Math.floor(time / 3_600_000);
  switch (letter) {
    case 'y':
    case 'u':
      return count === 2 ? pad(floorMod(civil(days).year, 100), 2) : pad(civil(days).year, count);
    case 'M':
    case 'L': {
      const { month } = civil(days);
      const name = MONTHS[month - 1]!;
      return count > 3 ? name : count === 3 ? name.slice(0, 3) : pad(month, count);
    }
    case 'd':
      return pad(civil(days).day, count);
    case 'D':
      return pad(dayOfYear(days), count);
    case 'H':
      return pad(hour, count);
    case 'k':
      return pad(hour === 0 ? 24 : hour, count);
    case 'K':
      return pad(hour % 12, count);
    case 'h':
      return pad(hour % 12 === 0 ? 12 : hour % 12, count);
    case 'm':
      return pad(Math.floor(time / 60_000) % 60, count);
    case 's':
      return pad(Math.floor(time / 1000) % 60, count);
    case 'S':
      return pad(time % 1000, 3)
        .padEnd(count, '0')
        .slice(0, count);
    case 'a':
      return hour < 12 ? 'AM' : 'PM';
    case 'E': {
      const name = DAYS[floorMod(days + 4, 7)]!;
      return count > 3 ? name : name.slice(0, 3);
    }
    default:
      return pad((time % 1000) * 1_000_000, count);
  }
}

const formatters = new Map<string, Token[]>();

function tokensOf(pattern: string): Token[] {
  let tokens = formatters.get(pattern);
  if (tokens === undefined) {
    if (formatters.size >= 256) formatters.clear();
    formatters.set(pattern, (tokens = tokenize(pattern)));
  }
  return tokens;
}

/** DATE_FORMAT: `millis` by a pattern of java.time.format.DateTimeFormatter. */
export function formatTimestamp(millis: number, pattern: string): string {
  let out = '';
  for (const token of tokensOf(pattern)) out += 'text' in token ? token.text : field(token, millis);
  return out;
}

/**
 * Reads text by a pattern; null when it does not match or the date does not exist. `lenient` reads as java.text.SimpleDateFormat: spaces before numbers
 * and all behind the last field are skipped, and 30 February is 1 March.
 */
export function parseTimestampAs(text: string, pattern: string, lenient = false): number | null {
  const parts: Record<string, number> = { y: 1970, M: 1, d: 1, H: 0, m: 0, s: 0, S: 0 };
  const tokens = tokensOf(pattern);
  let half: number | null = null;
  let at = 0;
  for (let t = 0; t < tokens.length; t++) {
    const token = tokens[t]!;
    if ('text' in token) {
      if (!text.startsWith(token.text, at)) return null;
      at += token.text.length;
      continue;
    }
    const letter = token.letter === 'u' ? 'y' : token.letter === 'L' ? 'M' : token.letter;
    if (lenient && letter !== 'a' && letter !== 'E') while (text[at] === ' ') at++;
    const rest = text.slice(at);
    if (letter === 'a' || letter === 'E' || (letter === 'M' && token.count > 2)) {
      const names = letter === 'a' ? ['AM', 'PM'] : letter === 'E' ? DAYS : MONTHS;
      const shown = names.map((name) => (token.count > 3 || letter === 'a' ? name : name.slice(0, 3)).toLowerCase());
      const index = shown.findIndex((name) => rest.toLowerCase().startsWith(name));
      if (index < 0) return null;
      at += shown[index]!.length;
      if (letter === 'a') half = index;
      else if (letter === 'M') parts['M'] = index + 1;
      continue;
    }
    // Digits run on unless the next field follows without anything between.
    const next = tokens[t + 1];
    const fixed = (next !== undefined && 'letter' in next) || letter === 'S';
    const digits = new RegExp(fixed ? `^\\d{${token.count}}` : '^\\d{1,9}').exec(rest)?.[0];
    if (digits === undefined) return null;
    at += digits.length;
    if (letter === 'S') parts['S'] = Number(digits.padEnd(3, '0').slice(0, 3));
    else parts[letter] = letter === 'y' && token.count === 2 ? 2000 + Number(digits) : Number(digits);
  }
  return lenient || at === text.length ? assemble(parts, half, lenient) : null;
}

function assemble(parts: Record<string, number>, half: number | null, lenient: boolean): number | null {
  let hour = parts['H']!;
  if (parts['h'] !== undefined) hour = (parts['h'] % 12) + (half === 1 ? 12 : 0);
  if (parts['K'] !== undefined) hour = parts['K'] + (half === 1 ? 12 : 0);
  if (parts['k'] !== undefined) hour = parts['k'] % 24;
  const [minute, second] = [parts['m']!, parts['s']!];
  const [year, month, day] = [parts['y']!, parts['M']!, parts['d']!];
  const years = Math.floor((month - 1) / 12);
  const days = lenient ? daysOf(year + years, month - years * 12, day) : smartDate(year, month, day);
  if (days === null || (!lenient && (hour > 23 || minute > 59 || second > 59))) return null;
  return days * DAY + hour * 3_600_000 + minute * 60_000 + second * 1000 + parts['S']!;
}

/** A pattern given as a literal is checked when the plan is compiled. */
export function checkPattern(pattern: string): void {
  tokensOf(pattern);
}
