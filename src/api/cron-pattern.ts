// What of a schedule can be judged without a calendar of our own: its five fields, each within its bounds, and its time zone. A date that never comes is found
// by windows.ts and the operator.
import type { CelRule } from './schema-kit.ts';

const field = (value: string): string => {
  const item = `(\\*|${value}(-${value})?)(/[1-9][0-9]?)?`;
  return `${item}(,${item})*`;
};

const FIELDS = [
  '[0-5]?[0-9]',
  '([01]?[0-9]|2[0-3])',
  '(0?[1-9]|[12][0-9]|3[01])',
  '(0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)',
  '([0-7]|SUN|MON|TUE|WED|THU|FRI|SAT)',
].map(field);

/** A regular expression that RE2 and JavaScript read alike. It is long: rules show their message instead of it. */
export const CRON_PATTERN = `^(@(hourly|daily|midnight|weekly|monthly|yearly|annually)|${FIELDS.join(' +')})$`;

/** Instead of the pattern of a schema, which the API server would tell in full: 900 characters. */
export const CRON_RULE: CelRule = {
  rule: `self.matches(r'${CRON_PATTERN}')`,
  message:
    'must be five fields of cron, or a name such as @daily: write minute (0-59), hour (0-23), day of the month (1-31), month (1-12 or JAN-DEC) and day of the week (0-7 or SUN-SAT), each as *, 5, 1-5, */15 or a list of those, for example 0 22 * * MON-FRI',
};

/** CEL cannot ask whether a zone is known, but an hour in one that is not is an error, and that counts as refused. The API server has its own list of zones. */
export const TIME_ZONE_RULE: CelRule = {
  rule: "timestamp('2026-01-01T00:00:00Z').getHours(self) >= 0",
  message: 'must be a time zone that the IANA knows: write for example Europe/Berlin',
};
