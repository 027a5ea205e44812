// The reference page of a kind, as Markdown: fields with type, default and change class, rules, conditions and reasons. All of it from the schema and tables.
import { DEFINITIONS, objectSchema } from './crd.ts';
import { API_VERSION, KINDS, PAUSE_ANNOTATION, type Kind } from './group.ts';
import { CONDITION_TYPES, REASONS, type ReasonDoc } from './reasons.ts';
import type { CelRule } from './schema-kit.ts';
import { SAVEPOINT_STATES } from './flowsavepoint.ts';
import { JOB_STATES } from './status.ts';
import type { StructuralSchema } from './structural.ts';

type DocumentedSchema = Omit<StructuralSchema, 'properties' | 'items'> & {
  properties?: Record<string, DocumentedSchema>;
  items?: DocumentedSchema;
  'x-flowjob-change'?: string;
  'x-flowjob-default'?: string;
};

const CHANGE_MEANINGS: Record<string, string> = {
  none: 'counts from the next time that the operator looks at it',
  'in-place': 'the operator acts on it; the running version stays',
  rescale:
    'a stream that runs takes another parallelism while it runs: no new version, no savepoint; where that cannot be, as `restart`, and an event says why',
  restart:
    'the running version is replaced by the new one as `upgrade.strategy` says; a Finished job is run again for `restartNonce` alone',
  'refused-while-running': 'refused unless the job is Pending, Suspended, Finished or Failed',
};

export function referencePage(kind: Kind): string {
  const definition = DEFINITIONS[kind];
  const { shortNames, plural } = KINDS[kind];
  const spec = JSON.parse(JSON.stringify(definition.spec)) as DocumentedSchema;
  const status = JSON.parse(JSON.stringify(definition.status)) as DocumentedSchema;
  const changes = hasChangeClasses(spec);
  return [
    `<!-- Generated from src/api by scripts/generate.ts. -->`,
    `# ${kind}`,
    `${definition.description} \`apiVersion: ${API_VERSION}\`, \`kind: ${kind}\`; on the command line \`${plural}\` or \`${shortNames.join('`, `')}\`.`,
    '## spec',
    'Fields not listed here are refused by name.',
    fieldTable(spec, 'spec', changes),
    ...(changes ? [changeSection()] : []),
    '## Rules',
    'Checked when an object is created or changed, on Kubernetes and on one machine alike. A rule that speaks of `oldSelf` is about changes.',
    ruleTable(objectSchema(kind)),
    ...(kind === 'FlowJob' ? [annotationSection()] : []),
    '## status',
    'Written by the operator. Nothing that ticks stands here: times of now, counters and samples are metrics.',
    fieldTable(status, 'status', false),
    ...statesSection(kind),
    '### Conditions',
    `Each carries \`observedGeneration\`. Wait for one with \`flowjob wait ${kind === 'FlowJob' ? '' : `${KINDS[kind].singular}/`}NAME --for condition=Ready\`.`,
    table(
      ['Condition', 'True means'],
      Object.entries<string>(CONDITION_TYPES[kind]).map(([name, text]) => [code(name), text]),
    ),
    '### Reasons',
    'Of conditions and events.',
    table(
      ['Reason', 'When', 'What to do'],
      Object.entries<ReasonDoc>(REASONS[kind]).map(([name, { meaning, remedy }]) => [code(name), meaning, remedy]),
    ),
    '## Columns of `get`',
    table(
      ['Column', 'Shown', 'What'],
      definition.columns.map((column) => [
        column.name,
        column.priority === 1 ? 'with `-o wide`' : 'always',
        column.description,
      ]),
    ),
    '',
  ].join('\n\n');
}

const STATES: Readonly<Partial<Record<Kind, Readonly<Record<string, string>>>>> = {
  FlowJob: JOB_STATES,
  FlowSavepoint: SAVEPOINT_STATES,
};

function statesSection(kind: Kind): string[] {
  const states = STATES[kind];
  if (states === undefined) return [];
  const rows = Object.entries(states).map(([name, text]) => [code(name), text]);
  return ['### States', table(['State', 'Meaning'], rows)];
}

function hasChangeClasses(schema: DocumentedSchema): boolean {
  return schema['x-flowjob-change'] !== undefined || Object.values(schema.properties ?? {}).some(hasChangeClasses);
}

function changeSection(): string {
  const rows = Object.entries(CHANGE_MEANINGS).map(([name, meaning]) => [code(name), meaning]);
  return `### Changes\n\nWhat a change of a field does to a job that runs:\n\n${table(['Class', 'Meaning'], rows)}`;
}

function annotationSection(): string {
  return `## Annotations\n\n${table(
    ['Annotation', 'Meaning'],
    [
      [
        code(`${PAUSE_ANNOTATION}: "true"`),
        'The operator writes nothing and touches no process of this job; condition Paused says so.',
      ],
    ],
  )}`;
}

function fieldTable(schema: DocumentedSchema, root: string, changes: boolean): string {
  const rows: string[][] = [];
  const walk = (node: DocumentedSchema, path: string): void => {
    for (const [name, child] of Object.entries(node.properties ?? {})) {
      const field = `${path}.${name}`;
      const required = (node.required ?? []).includes(name) && child.default === undefined && root === 'spec';
      rows.push([
        code(field),
        typeName(child),
        ...(root === 'spec' ? [required ? '**required**' : defaultText(child)] : []),
        ...(changes ? [child['x-flowjob-change'] ?? ''] : []),
        child.description ?? '',
      ]);
      // The accepted spec repeats the fields of spec; conditions are the same everywhere.
      if (field !== 'status.accepted.spec')
        walk(child.items ?? child, child.items === undefined ? field : `${field}[]`);
    }
  };
  walk(schema, root);
  const headers = ['Field', 'Type', ...(root === 'spec' ? ['Default'] : []), ...(changes ? ['Change'] : []), 'Meaning'];
  return table(headers, rows);
}

function typeName(schema: DocumentedSchema): string {
  if (schema['x-kubernetes-int-or-string'] === true) return 'quantity';
  if (schema.enum !== undefined) return schema.enum.map(code).join(', ');
  if (schema.pattern?.includes('ms|s|m|h|d') === true) return 'duration';
  if (schema.format === 'date-time') return 'time';
  if (schema.type === 'array') return 'list';
  const bounds =
    schema.type === 'integer' && schema.maximum !== undefined ? `, ${schema.minimum} to ${schema.maximum}` : '';
  return `${schema.type}${bounds}`;
}

function defaultText(schema: DocumentedSchema): string {
  if (schema['x-flowjob-default'] !== undefined) return schema['x-flowjob-default'];
  if (schema.default === undefined || typeof schema.default === 'object') return '';
  return code(JSON.stringify(schema.default).replaceAll('"', ''));
}

function ruleTable(schema: StructuralSchema): string {
  const rows: string[][] = [];
  const walk = (node: StructuralSchema, path: string): void => {
    for (const rule of node['x-kubernetes-validations'] ?? [])
      rows.push([
        code(`${path}${rule.fieldPath ?? ''}`.replace(/^\./, '') || 'metadata.name'),
        code(rule.rule),
        sentence(rule),
      ]);
    for (const [name, child] of Object.entries(node.properties ?? {}))
      walk(child, path === '' ? name : `${path}.${name}`);
    if (node.items !== undefined) walk(node.items, `${path}[]`);
  };
  walk(schema, '');
  return table(['Field', 'Rule', 'Message'], rows);
}

const sentence = (rule: CelRule): string => `${rule.message}.`;
const code = (text: string): string => `\`${text}\``;

function table(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  // A bar would end the cell, in code too.
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(headers), line(headers.map(() => '---')), ...rows.map(line)].join('\n');
}
