// The SQL text as Flink's SqlDriver is given it. A FlowJob is one job; of a script Flink makes one job for each INSERT, unless they stand in a statement set.

export interface Statement {
  /** Offsets in the text: of its first character that is neither space nor comment, and of the semicolon behind it, or of the end of the text. */
  start: number;
  end: number;
}

const TOKEN = /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|`(?:[^`]|``)*`|"(?:[^"]|"")*"|[^\s]/g;

/** What is one to whoever looks for the ends of statements: comments, strings, quoted names, and every other character that is no space. */
export const tokensOf = (text: string): Iterable<{ 0: string; index: number }> => text.matchAll(TOKEN);

/** Statements are separated by semicolons outside of strings, quoted names and comments. */
export function statementsOf(text: string): Statement[] {
  const statements: Statement[] = [];
  let start: number | null = null;
  for (const { 0: found, index } of tokensOf(text)) {
    if (found === ';') {
      if (start !== null) statements.push({ start, end: index });
      start = null;
    } else if (!found.startsWith('--') && !found.startsWith('/*')) start ??= index;
  }
  if (start !== null) statements.push({ start, end: text.length });
  return statements;
}

const INSERT = /^INSERT\b/i;
const STRING = /'(?:[^']|'')*'/g;
/** Other statements that are a job by themselves. */
const JOB_OF_ITS_OWN = /^(?:EXECUTE\s+INSERT\b|CREATE\s+(?:OR\s+REPLACE\s+)?TABLE\b[\s\S]*\bAS\s+SELECT\b)/i;
const SET_OF_STATEMENTS = /^(?:EXECUTE|BEGIN)\s+STATEMENT\s+SET\b/i;

/**
 * The text with its INSERTs as one job; lines stay where they are, as errors name them. Throws RangeError where other statements stand between INSERTs: they
 * would have to be moved.
 */
export function asOneJob(text: string): string {
  const statements = statementsOf(text);
  const isInsert = statements.map(({ start }) => INSERT.test(text.slice(start, start + 10)));
  const first = isInsert.indexOf(true);
  const last = isInsert.lastIndexOf(true);
  const inSet = statements.some(({ start }) => SET_OF_STATEMENTS.test(text.slice(start, start + 60)));
  const others = statements.filter(({ start, end }) =>
    JOB_OF_ITS_OWN.test(text.slice(start, end).replaceAll(STRING, '')),
  ).length;
  if (others > 0 && others + isInsert.filter(Boolean).length + (inSet ? 1 : 0) > 1)
    throw new RangeError(
      'spec.job.sql has EXECUTE INSERT or CREATE TABLE ... AS SELECT beside another statement that is a job, and a FlowJob is one job: write them as INSERTs, or as FlowJobs of their own',
    );
  if (first === last || inSet) return text;
  if (isInsert.slice(first, last).includes(false))
    throw new RangeError(
      'spec.job.sql has other statements between its INSERTs, which Apache Flink would run as several jobs: write all INSERTs behind them, or into EXECUTE STATEMENT SET BEGIN ... END',
    );
  const [{ start }, { end }] = [statements[first]!, statements[last]!];
  return `${text.slice(0, start)}EXECUTE STATEMENT SET BEGIN ${text.slice(start, end)}; END${text.slice(end)}`;
}

/** Statements that change nothing outside of the session that they are planned in, as long as that has its own catalog alone. */
const WITHOUT_EFFECT: readonly RegExp[] = [
  /^(?:SET|RESET|END|INSERT)\b/i,
  /^CREATE\s+(?:OR\s+(?:REPLACE|ALTER)\s+)?(?:TEMPORARY\s+)?(?:SYSTEM\s+)?(?:TABLE|VIEW|FUNCTION|MODEL)\b/i,
  SET_OF_STATEMENTS,
];

/** Whether the text may be planned beside a job that runs: nothing but its INSERTs has an effect, and those have none before they run. */
export const isOnlyPlanned = (text: string): boolean =>
  statementsOf(text).every(({ start, end }) => {
    const statement = text.slice(start, end);
    return WITHOUT_EFFECT.some((one) => one.test(statement)) && !JOB_OF_ITS_OWN.test(statement.replaceAll(STRING, ''));
  });
