// spec.podTemplate and those of the roles: what of them goes along, and what Flink took no notice of.
import { isMap, valueAt, type Json, type Path } from './leaves.ts';
import { CONTAINER, MAIN_CONTAINER, OVERWRITTEN, type Role } from './pod-templates.ts';
import type { Account } from './account.ts';
import { mapped, nothingToDo, type Rule } from './rules.ts';

/** Of the template at `template`, which is for pods of these roles. */
export function templateRules(template: string, roles: readonly Role[]): Rule[] {
  const to = roles.map((role) => `spec.${role}.podTemplate`);
  const part = (name: string, text: string): Rule =>
    mapped(`${template}.${name}`, to, text, (_value, hand) => {
      for (const role of roles) hand.pod(role, null);
    });
  const common = roles.length > 1;
  return [
    part(
      'spec',
      `${common ? 'Merged with those of the roles' : 'On top of spec.podTemplate'}, item by item of lists as the other operator does. The container ${MAIN_CONTAINER} is named ${roles.map((role) => CONTAINER[role]).join(' and ')}; of its ${OVERWRITTEN.join(', ')} and its memory and cpu Flink took no notice, and they stay behind.`,
    ),
    part('metadata.labels', 'As they are.'),
    part('metadata.annotations', 'As they are.'),
    nothingToDo(`${template}.apiVersion`, 'A template has none.'),
    nothingToDo(`${template}.kind`, 'A template has none.'),
    nothingToDo(`${template}.metadata.name`, 'The operator names its pods.'),
    nothingToDo(`${template}.metadata.namespace`, 'Pods are in the namespace of the FlowJob.'),
    nothingToDo(`${template}.metadata.creationTimestamp`, 'A template has none.'),
    nothingToDo(`${template}.status`, 'A template has none.'),
  ];
}

/** Tells of what does not reach the pods of `role`: overwritten by Flink, or by the merge. `origin` is where the templates' object stands in the account. */
export function tellOfTemplate(object: Json, role: Role, merged: Json, account: Account, origin: Path): void {
  for (const root of [
    ['spec', 'podTemplate'],
    ['spec', role, 'podTemplate'],
  ])
    tellOfMainContainer(object, [...root, 'spec', 'containers'], account, origin);
  const own: Path = [...origin, 'spec', role, 'podTemplate', 'spec'];
  for (const list of ['containers', 'initContainers', 'volumes']) {
    const left = namesIn(valueAt(merged, ['spec', list]));
    for (const name of namesIn(valueAt(object, ['spec', 'podTemplate', 'spec', list])))
      if (!left.includes(name))
        account.remark(
          own,
          'ToDo',
          `stands in the place of ${list} ${JSON.stringify(name)} of spec.podTemplate, as lists are merged by place there unless kubernetes.operator.pod-template.merge-arrays-by-name is true: put it back, if that was not meant`,
        );
  }
  if (namesIn(valueAt(merged, ['spec', 'containers'])).includes(CONTAINER[role]))
    account.remark(own, 'ToDo', `has a container ${CONTAINER[role]}, which is what the engine’s is called: rename it`);
}

function tellOfMainContainer(object: Json, at: Path, account: Account, origin: Path): void {
  const containers = valueAt(object, at);
  const path = [...origin, ...at];
  if (!Array.isArray(containers)) return;
  containers.forEach((container: unknown, index) => {
    if (!isMap(container) || container['name'] !== MAIN_CONTAINER) return;
    const said = 'is set by Flink whatever a template says, and stays behind';
    for (const name of OVERWRITTEN)
      if (container[name] !== undefined) account.remark([...path, index, name], 'NothingToDo', said);
    for (const bound of ['requests', 'limits'])
      for (const name of ['memory', 'cpu'])
        if (valueAt(container, ['resources', bound, name]) !== undefined)
          account.remark([...path, index, 'resources', bound, name], 'NothingToDo', said);
  });
}

const namesIn = (list: unknown): string[] =>
  Array.isArray(list)
    ? list.flatMap((item) => (isMap(item) && typeof item['name'] === 'string' ? [item['name']] : []))
    : [];
