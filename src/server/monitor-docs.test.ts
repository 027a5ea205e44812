// The metrics that docs/how-to/monitor.md tells people to watch are there, with the labels that its alerts ask for.
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { describedMetrics } from '../../scripts/metrics-reference.ts';

const page = readFileSync('docs/how-to/monitor.md', 'utf8');
const rule = parse(/```yaml\n([^`]*)```/.exec(page)![1]!) as {
  spec: { groups: { rules: { alert: string; expr: string }[] }[] };
};
const rules = rule.spec.groups.flatMap(({ rules: some }) => some);
const metrics = new Map(describedMetrics().map(({ name, labelNames = [] }) => [name, labelNames]));

/** Words of PromQL that are no metric. */
const WORDS = new Set(['max', 'sum', 'by', 'time', 'rate', 'absent', 'or', 'changes']);
const namesIn = (expr: string): string[] => {
  const bare = expr.replace(/"[^"]*"/g, '').replace(/\{[^}]*\}|\[[^\]]*\]|by \([^)]*\)/g, ' ');
  return [...bare.matchAll(/[a-z_]{2,}/g)].map(([word]) => word).filter((word) => !WORDS.has(word));
};

test('there are alerts', () => expect(rules.length).toBeGreaterThan(5));

test.each(rules.map(({ alert, expr }) => [alert, expr]))(
  '%s asks for metrics and labels that exist',
  (_alert, expr) => {
    const names = namesIn(expr);
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect([...metrics.keys()]).toContain(name);
    const labels = new Set(names.flatMap((name) => metrics.get(name)));
    for (const [, text] of expr.matchAll(/by \(([^)]*)\)/g))
      for (const label of text!.split(',')) expect([...labels]).toContain(label.trim());
    for (const [, text] of expr.matchAll(/\{([^}]*)\}/g))
      for (const matcher of text!.split(',')) expect([...labels]).toContain(/^\s*(\w+)/.exec(matcher)![1]);
  },
);

test('every metric that the page names exists', () => {
  const named = [...page.matchAll(/`([^`\n]*)`/g)].flatMap(([, text]) => [
    ...text!.matchAll(/\b(?:flowjob|controller_runtime|workqueue|rest_client|leader_election)_[a-z_]+[a-z]\b/g),
  ]);
  expect(named.length).toBeGreaterThan(8);
  for (const [name] of named) expect([...metrics.keys()]).toContain(name);
});
