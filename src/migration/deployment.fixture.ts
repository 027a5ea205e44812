// Objects of the other operator for tests, from YAML, and their import.
import { parseAllDocuments } from 'yaml';
import { admit } from '../api/admission.ts';
import { importObjects, type Imported } from './import.ts';
import { pathText, type Json } from './leaves.ts';
import { yamlOf } from './report.ts';

/** `more` is YAML of the spec, indented by two. */
export const deployment = (more: string, name = 'orders'): string => `apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: ${name}}
spec:
  flinkVersion: v2_0
  image: shop/orders:7
  serviceAccount: flink
  jobManager: {resource: {memory: 1g, cpu: 1}}
  taskManager: {resource: {memory: 2048m, cpu: 0.5}}
${more}`;

export const STREAM = `  job: {jarURI: "local:///opt/flink/usrlib/orders.jar", parallelism: 2, upgradeMode: stateless}
`;

/** All objects of a text. Throws where the API server would refuse a manifest as it is printed. */
export function importAll(text: string): Imported[] {
  const objects = parseAllDocuments(text).map((document) => document.toJS() as Json);
  const imported = importObjects(objects.map((object, index) => ({ source: `test (document ${index + 1})`, object })));
  for (const printed of parseAllDocuments(yamlOf(imported))) admit(printed.toJS());
  return imported;
}

/** The only one. */
export function importOne(text: string): Imported & { spec: Json } {
  const [one] = importAll(text);
  return { ...one!, spec: one!.manifest?.spec ?? {} };
}

/** `field` -> what is said of it. */
export function said({ account }: Imported, weight: 'ToDo' | 'NothingToDo'): Record<string, string> {
  return Object.fromEntries(
    account.entries.flatMap(({ path, remarks }) =>
      remarks.filter((remark) => remark.weight === weight).map(({ text }) => [pathText(path), text]),
    ),
  );
}

/** Where a key of flinkConfiguration stands. */
export const key = (name: string): string => `spec.flinkConfiguration[${JSON.stringify(name)}]`;
