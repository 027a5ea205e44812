// What of a schedule can be judged without a calendar: its five fields, each within its bounds. A date that never comes is found by the operator.

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

/** A regular expression that RE2 and JavaScript read alike. */
export const CRON_PATTERN = `^(@(hourly|daily|midnight|weekly|monthly|yearly|annually)|${FIELDS.join(' +')})$`;
