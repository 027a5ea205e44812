// The CustomResourceDefinition of each kind, built from its schema: crds/*.yaml is this, and local validation reads this.
import type { TSchema } from '@sinclair/typebox';
import { FlowClusterSpecSchema, FlowClusterStatusSchema } from './flowcluster.ts';
import { FlowJobSpecSchema } from './flowjob.ts';
import { FlowSavepointSpecSchema, FlowSavepointStatusSchema } from './flowsavepoint.ts';
import { API_VERSION, GROUP, KINDS, VERSION, type Kind } from './group.ts';
import { NEVER } from './object.ts';
import { refusedWhileRunningRules } from './running-rules.ts';
import type { CelRule } from './schema-kit.ts';
import { FlowJobStatusSchema } from './status.ts';
import { toStructural, type StructuralSchema } from './structural.ts';

export interface PrinterColumn {
  name: string;
  type: 'string' | 'integer' | 'date';
  jsonPath: string;
  description: string;
  /** 1: only with `-o wide`. */
  priority?: 1;
}

export interface KindDefinition {
  description: string;
  spec: TSchema;
  status: TSchema;
  rules: CelRule[];
  columns: PrinterColumn[];
  scale?: { specReplicasPath: string; statusReplicasPath: string; labelSelectorPath: string };
}

const condition = (type: string, field: string) => `.status.conditions[?(@.type=="${type}")].${field}`;
const age: PrinterColumn = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description: 'Time since it was created.',
};
const ready: PrinterColumn = {
  name: 'Ready',
  type: 'string',
  jsonPath: condition('Ready', 'status'),
  description: 'Whether it is as the spec asks.',
};
const reason: PrinterColumn = {
  name: 'Reason',
  type: 'string',
  jsonPath: condition('Ready', 'reason'),
  description: 'Why it is Ready, or not.',
  priority: 1,
};

/** Names of processes and services are made of the name. */
const NAME_RULES: CelRule[] = [
  {
    rule: 'size(self.metadata.name) <= 45',
    message:
      'metadata.name must not be longer than 45 characters, as names of processes and services are made of it: choose a shorter one',
  },
  {
    rule: "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
    message:
      'metadata.name must be fit to name a service: use lower case letters, digits and dashes, and begin with a letter',
  },
];

/** A HorizontalPodAutoscaler reckons in pods. */
const SCALE = {
  specReplicasPath: '.spec.taskManager.replicas',
  statusReplicasPath: '.status.taskManager.replicas',
  labelSelectorPath: '.status.taskManager.selector',
};

const taskManagers: PrinterColumn = {
  name: 'TaskManagers',
  type: 'integer',
  jsonPath: '.status.taskManager.replicas',
  description: 'TaskManagers that exist.',
};

export const DEFINITIONS: Record<Kind, KindDefinition> = {
  FlowJob: {
    description:
      'A job in SQL that runs for ever (mode Streaming or Automatic) or to the end of its input (mode Batch).',
    spec: FlowJobSpecSchema,
    status: FlowJobStatusSchema,
    rules: [...NAME_RULES, ...refusedWhileRunningRules()],
    columns: [
      { name: 'Mode', type: 'string', jsonPath: '.spec.mode', description: 'Streaming, Batch or Automatic.' },
      { name: 'State', type: 'string', jsonPath: '.status.state', description: 'Where the job is in its lifecycle.' },
      ready,
      {
        name: 'Parallelism',
        type: 'integer',
        jsonPath: '.status.parallelism',
        description: 'Parallelism of the running version.',
      },
      reason,
      { ...taskManagers, priority: 1 },
      {
        name: 'Attempt',
        type: 'integer',
        jsonPath: '.status.attempt.epoch',
        description: 'Epoch of the attempt that runs.',
        priority: 1,
      },
      {
        name: 'Savepoint',
        type: 'string',
        jsonPath: '.status.lastSavepoint.path',
        description: 'The newest completed savepoint.',
        priority: 1,
      },
      age,
    ],
    scale: SCALE,
  },
  FlowSavepoint: {
    description: 'One savepoint of a FlowJob. Creating it takes the savepoint; status.path says where it is.',
    spec: FlowSavepointSpecSchema,
    status: FlowSavepointStatusSchema,
    rules: [],
    columns: [
      { name: 'Job', type: 'string', jsonPath: '.spec.jobRef.name', description: 'The FlowJob that it is taken of.' },
      { name: 'State', type: 'string', jsonPath: '.status.state', description: 'How far it is.' },
      ready,
      { ...reason, description: 'Why it is complete, or not.' },
      { name: 'Path', type: 'string', jsonPath: '.status.path', description: 'Where it is.', priority: 1 },
      age,
    ],
  },
  FlowCluster: {
    description: 'JobManager and TaskManagers of Apache Flink that FlowJobs share which name it in engine.clusterRef.',
    spec: FlowClusterSpecSchema,
    status: FlowClusterStatusSchema,
    rules: NAME_RULES,
    columns: [
      { name: 'Version', type: 'string', jsonPath: '.spec.engine.version', description: 'Version of Apache Flink.' },
      ready,
      taskManagers,
      reason,
      age,
    ],
    scale: SCALE,
  },
};

/** What status is before the operator has seen the object: without it, tools that know no observedGeneration would call a new object ready. */
const UNSEEN_STATUS = {
  observedGeneration: -1,
  conditions: [
    {
      type: 'Ready',
      status: 'Unknown',
      observedGeneration: -1,
      lastTransitionTime: NEVER,
      reason: 'NotSeen',
      message: 'The operator has not looked at this object yet.',
    },
  ],
};

/** The schema of whole objects of a kind, as the CRD holds it. */
export function objectSchema(kind: Kind): StructuralSchema {
  const definition = DEFINITIONS[kind];
  return {
    type: 'object',
    description: definition.description,
    properties: {
      apiVersion: { type: 'string', description: `${API_VERSION}.` },
      kind: { type: 'string', description: `${kind}.` },
      metadata: { type: 'object' },
      spec: toStructural(definition.spec),
      status: { ...toStructural(definition.status, 'report'), default: UNSEEN_STATUS },
    },
    required: ['spec'],
    ...(definition.rules.length > 0 ? { 'x-kubernetes-validations': definition.rules } : {}),
  };
}

/** The whole CustomResourceDefinition of a kind. */
export function customResourceDefinition(kind: Kind): object {
  const { plural, singular, listKind, shortNames } = KINDS[kind];
  const definition = DEFINITIONS[kind];
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: { kind, listKind, plural, singular, shortNames: [...shortNames], categories: ['flow'] },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          additionalPrinterColumns: definition.columns,
          subresources: { status: {}, ...(definition.scale === undefined ? {} : { scale: definition.scale }) },
          schema: { openAPIV3Schema: objectSchema(kind) },
        },
      ],
    },
  };
}
