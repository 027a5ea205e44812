// One object: each rule gets its value and a hand to put it somewhere; what no rule has spoken of is told of as unknown.
import { API_VERSION } from '../api/group.ts';
import type { FieldError } from '../api/schema-check.ts';
import type { Account } from './account.ts';
import { CLUSTER_RULES, impliedByCluster } from './cluster-fields.ts';
import { impliedByJob, JOB_RULES, STATUS_RULES } from './job-fields.ts';
import { intoConfig, keyRule } from './keys.ts';
import { isMap, pathText, putAt, valueAt, type Json, type Path } from './leaves.ts';
import { carryMetadata } from './metadata.ts';
import { kindOf, nameOf } from './objects.ts';
import { mergeTemplates, ourTemplate, ROLES, type Role } from './pod-templates.ts';
import type { Hand, Manifest, Rule, SourceKind, Subject } from './rules.ts';
import { asDeployment, DEPLOYMENT_NAME, RULES_OF_SESSION, type Session } from './session.ts';
import type { Setting, Settings } from './settings.ts';
import { SNAPSHOT_RULES } from './snapshot-fields.ts';
import { KEYS } from './subjects.ts';
import { tellOfTemplate } from './template-fields.ts';

/** Fields of each kind; those of a session in session.ts, keys of flinkConfiguration in keys.ts. */
export const FIELD_RULES: Readonly<Record<SourceKind, readonly Rule[]>> = {
  FlinkDeployment: [...CLUSTER_RULES, ...JOB_RULES, ...STATUS_RULES],
  FlinkSessionJob: [DEPLOYMENT_NAME, ...JOB_RULES, ...STATUS_RULES],
  FlinkStateSnapshot: SNAPSHOT_RULES,
};

export interface Task {
  object: Json;
  settings: Settings;
  account: Account;
  /** Of a FlinkSessionJob. */
  session: Session | null;
}

/** An object of the input, and where its values stand in the account. */
interface Source {
  object: Json;
  origin: Path;
}

/** Accounts for every value of the task's object, and of its session's spec. */
export function translate(task: Task): { manifest: Manifest; errors: FieldError[] } {
  return new Translation(task).run();
}

class Translation {
  readonly #task: Task;
  readonly #own: Source;
  /** What says how the cluster is: the object itself, or its session. */
  readonly #cluster: Source;
  readonly #subject: Subject;
  readonly #output: Json;
  readonly #errors: FieldError[] = [];
  readonly #patches: Record<Role, Json[]> = { jobManager: [], taskManager: [] };
  readonly #wantsTemplate = new Set<Role>();

  constructor(task: Task) {
    const { object, settings, session } = task;
    this.#task = task;
    this.#own = { object, origin: [] };
    this.#cluster = session ?? this.#own;
    const batch = settings.get(KEYS.mode)?.trim().toUpperCase() === 'BATCH';
    this.#subject = {
      kind: kindOf(object),
      target: kindOf(object) === 'FlinkStateSnapshot' ? 'FlowSavepoint' : 'FlowJob',
      object: session === null ? object : asDeployment(object, session),
      settings,
      mode: batch ? 'Batch' : 'Streaming',
    };
    this.#output = {
      apiVersion: API_VERSION,
      kind: this.#subject.target,
      metadata: { name: nameOf(object) },
      spec: {},
    };
  }

  run(): { manifest: Manifest; errors: FieldError[] } {
    const { object, settings, account, session } = this.#task;
    for (const field of ['apiVersion', 'kind']) account.mapped([field], [field]);
    carryMetadata(object, this.#output, account);
    if (this.#subject.target === 'FlowJob') this.#hand(['kind']).put('spec.engine.type', 'Flink');
    if (session !== null) this.#fields(RULES_OF_SESSION, session);
    this.#fields(FIELD_RULES[this.#subject.kind], this.#own);
    if (session !== null) for (const setting of settings.inherited()) this.#setting(setting, session);
    for (const setting of settings.all) this.#setting(setting, this.#own);
    if (this.#subject.target === 'FlowJob') this.#implied();
    for (const role of ROLES) this.#template(role);
    closeAccount(account, object, []);
    if (session !== null) closeAccount(account, session.object['spec'], [...session.origin, 'spec']);
    this.#output['spec'] = inOrder(this.#output['spec'] as Json);
    return { manifest: this.#output as unknown as Manifest, errors: this.#errors };
  }

  #fields(rules: readonly Rule[], source: Source): void {
    for (const rule of rules) {
      const path = rule.from.split('.');
      if (path.at(-1) !== '*') {
        this.#field(rule, path, source);
        continue;
      }
      const parent = path.slice(0, -1);
      const map = valueAt(source.object, parent);
      if (!isMap(map)) continue;
      const ruled = new Set(rules.map(({ from }) => from));
      for (const name of Object.keys(map))
        if (!ruled.has([...parent, name].join('.'))) this.#field(rule, [...parent, name], source);
    }
  }

  #field(rule: Rule, path: Path, source: Source): void {
    const value = valueAt(source.object, path);
    if (value === undefined) return;
    const hand = this.#hand(path, source);
    if (value === null) hand.nothingToDo('is empty');
    else rule.apply(value, hand);
  }

  #setting(setting: Setting, source: Source): void {
    const hand = this.#hand(setting.path, source, setting.key);
    if (setting.passedOver !== undefined) return hand.nothingToDo(setting.passedOver);
    if (setting.text === '') return hand.nothingToDo('is empty');
    const rule = keyRule(setting.key);
    if (rule === undefined) return intoConfig(setting.written, setting.text, hand);
    rule.apply(setting.text, hand);
    if (this.#task.session !== null && source === this.#own && rule.of === 'cluster' && rule.fate === 'Mapped')
      hand.nothingToDo('counts from now on: the cluster of the session passed it over');
  }

  #implied(): void {
    const hand = (field: string): Hand => this.#hand(field.split('.'));
    const has = (field: string): boolean => valueAt(this.#output, field.split('.')) !== undefined;
    const ofKey = (key: string): Hand => this.#hand(['spec', 'flinkConfiguration', key], this.#own, key);
    if (!has('spec.taskManager.slots')) ofKey(KEYS.slots).put('spec.taskManager.slots', 1);
    if (!has('spec.taskManager.replicas')) hand('spec.job.parallelism').put('spec.taskManager.replicas', 1);
    impliedByCluster((field) => this.#hand(field.split('.'), this.#cluster), has);
    if (!has('spec.mode')) ofKey(KEYS.mode).put('spec.mode', this.#subject.mode);
    impliedByJob(hand, ofKey, valueAt(this.#subject.object, ['spec', 'job']) as Json);
  }

  #template(role: Role): void {
    const { settings, object } = this.#subject;
    if (!this.#wantsTemplate.has(role)) return;
    const byName = settings.get(KEYS.templatesByName)?.trim().toLowerCase() === 'true';
    const merged = mergeTemplates(
      valueAt(object, ['spec', 'podTemplate']),
      valueAt(object, ['spec', role, 'podTemplate']),
      byName,
    );
    tellOfTemplate(object, role, merged, this.#task.account, this.#cluster.origin);
    putAt(this.#output, ['spec', role, 'podTemplate'], ourTemplate(role, merged, this.#patches[role]));
  }

  #hand(at: Path, source = this.#own, key = String(at.at(-1))): Hand {
    const { account } = this.#task;
    const path = [...source.origin, ...at];
    const put = (to: string[], value: unknown): void => {
      putAt(this.#output, to, value);
      account.mapped(path, to);
    };
    return {
      ...this.#subject,
      key,
      put: (field, value) => put(field.split('.'), value),
      accounted: (field) => account.mapped(path, field.split('.')),
      config: (name, value) => put(['spec', 'engine', 'config', name], value),
      pod: (role, patch) => {
        this.#wantsTemplate.add(role);
        if (patch !== null) this.#patches[role].push(patch);
        account.mapped(path, ['spec', role, 'podTemplate']);
      },
      toDo: (text) => account.remark(path, 'ToDo', text),
      nothingToDo: (text) => account.remark(path, 'NothingToDo', text),
      refuse: (problem, remedy) => {
        account.remark(path, 'ToDo', remedy);
        this.#errors.push({ field: pathText(path), value: valueAt(source.object, at), problem, remedy });
      },
    };
  }
}

/** Whatever is left of `input`, which stands at `origin`: fields of a version that is not known here, slips of the pen. */
function closeAccount(account: Account, input: unknown, origin: Path): void {
  for (const { path, value } of account.open(input, origin)) {
    const isEmpty = value === null || (typeof value === 'object' && Object.keys(value).length === 0);
    if (isEmpty) account.remark(path, 'NothingToDo', 'is empty');
    else account.remark(path, 'ToDo', 'is not known here: look up what it does');
  }
}

const ORDER = [
  ...[
    'jobRef',
    'disposalPolicy',
    'engine',
    'mode',
    'suspend',
    'restartNonce',
    'job',
    'state',
    'upgrade',
    'autoscaling',
  ],
  ...['batch', 'deletionPolicy', 'jobManager', 'taskManager'],
];

const inOrder = (spec: Json): Json =>
  Object.fromEntries(Object.entries(spec).sort(([a], [b]) => ORDER.indexOf(a) - ORDER.indexOf(b)));
