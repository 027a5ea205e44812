// From optimized logical plans to vertices: operators chained where rows stay on their subtask, cut where they must move.
import type { Exchange, ExecPlan, ExecVertex, Expr, OperatorSpec, SourceSpec, TableSpec } from './exec-plan.ts';
import { columnExpression, type TableDefinition } from './catalog.ts';
import { emitsUpdates } from './changelog.ts';
import { column, forEachColumn, substitute } from './expressions.ts';
import {
  schemaOf,
  type AggregateNode,
  type CalcNode,
  type LogicalNode,
  type ScanNode,
  type SortNode,
} from './logical-plan.ts';
import { aggregateUid, operatorId, Uids } from './operator-ids.ts';
import {
  aggregateName,
  calcName,
  numberOperators,
  scanName,
  sinkName,
  sortName,
  valuesName,
  vertexName,
  watermarkName,
  windowAggregateName,
} from './operator-names.ts';
import { sqlType, type Schema } from './types.ts';
import { KEY_GROUPS } from '../state/key-groups.ts';

/** Where rows come from while the plan is built: the last operators of one vertex, or of several after a UNION. */
interface Stream {
  producers: { vertex: ExecVertex; operator: OperatorSpec }[];
  schema: Schema;
  /** It may be read by more subtasks than it has now: a source that has fewer than the job. */
  spreads: boolean;
}

/** An operator without what its place in the plan gives it. */
type Draft<T extends OperatorSpec = OperatorSpec> = T extends OperatorSpec ? Omit<T, 'id' | 'uid' | 'input'> : never;

interface Placement {
  parallelism: number;
  maxParallelism: number;
  exchange: Exchange;
}

export interface PhysicalOptions {
  mode: 'STREAMING' | 'BATCH';
  parallelism: number;
  jobName: string;
  settings: Record<string, string>;
  /** At most this many subtasks of the table's source get splits. */
  sourceParallelism: (table: TableDefinition) => number;
}

export class PhysicalPlanner {
  private readonly options: PhysicalOptions;
  private readonly vertices: ExecVertex[] = [];
  private readonly edges: ExecPlan['edges'] = [];
  private readonly uids = new Uids();
  private readonly sources = new Map<TableDefinition, Stream>();

  constructor(options: PhysicalOptions) {
    this.options = options;
  }

  /** Adds the plan of one INSERT, whose columns are those of the table. */
  addInsert(node: LogicalNode, table: TableSpec): void {
    const stream = this.lower(node, table.name, true);
    const outputSchema = table.schema;
    const sink: Draft = { type: 'Sink', name: sinkName(table.name, outputSchema), table, outputSchema };
    this.append(stream, sink, `sink:${table.name}`, this.onward(stream, node));
  }

  finish(): ExecPlan {
    const { mode, jobName, settings } = this.options;
    const shuffled = (vertex: number): boolean =>
      this.edges.some((edge) => edge.targetVertex === this.vertices[vertex]!.id && edge.exchange.kind !== 'FORWARD');
    const numbers = numberOperators(this.vertices, shuffled);
    for (const vertex of this.vertices) vertex.name = vertexName(vertex, numbers);
    return { formatVersion: 1, jobName, mode, vertices: this.vertices, edges: this.edges, settings };
  }

  /** `toSink`: only Calcs stand between this node and the sink, so that rows may still be spread over more subtasks. */
  private lower(node: LogicalNode, sink: string, toSink: boolean): Stream {
    switch (node.kind) {
      case 'scan':
        return { ...this.source(node), spreads: toSink };
      case 'values':
        return this.values(node.rows, schemaOf(node.fields), sink);
      case 'calc': {
        const stream = this.lower(node.input, sink, toSink);
        return this.calc(stream, node, sink);
      }
      case 'aggregate':
        return this.aggregate(this.lower(node.input, sink, false), node, sink);
      case 'sort':
        return this.sort(this.lower(node.input, sink, false), node, sink);
      case 'union':
        return this.union(
          node.inputs.map((input) => this.lower(input, sink, false)),
          sink,
          toSink && !emitsUpdates(node, this.options.mode),
        );
    }
  }

  /** The one source of a table: scan, computed columns, watermark. */
  private source({ table, columns }: ScanNode): Stream {
    const known = this.sources.get(table);
    if (known !== undefined) return known;
    const { spec } = table;
    const used = new Set<number>();
    const expressions = columns.map((index) => columnExpression(table.columns[index]!));
    for (const expr of expressions) forEachColumn(expr, (index) => used.add(index));
    const projection = [...used].sort((a, b) => a - b);
    const outputSchema = projection.map((index) => spec.schema[index]!);
    const uid = `source:${spec.name}`;
    const scan: Draft<SourceSpec> = {
      type: 'Source',
      name: scanName(spec.name, outputSchema),
      table: spec,
      projection,
      outputSchema,
    };
    const most = Math.min(KEY_GROUPS, this.options.sourceParallelism(table));
    let stream = this.head(scan, uid, Math.min(this.options.parallelism, most), most);
    const places = spec.schema.map((field, i) => column(projection.indexOf(i), field.type));
    const computed = expressions.map((expr) => substitute(expr, places));
    if (table.columns.some(({ expression }, i) => expression !== null && columns.includes(i))) {
      const schema = columns.map((index) => ({ name: table.columns[index]!.name, type: table.columns[index]!.type }));
      stream = this.chainCalc(stream, null, computed, schema, `calc:${uid}`);
    }
    if (table.watermark !== null && this.options.mode === 'STREAMING')
      stream = this.watermark(stream, table.watermark, columns, uid);
    this.sources.set(table, stream);
    return stream;
  }

  private watermark(
    stream: Stream,
    watermark: NonNullable<TableDefinition['watermark']>,
    columns: number[],
    source: string,
  ): Stream {
    const { schema } = stream;
    const rowtime = columns.indexOf(watermark.column);
    const places: Expr[] = [];
    columns.forEach((index, place) => (places[index] = column(place, schema[place]!.type)));
    const expr = substitute(watermark.expression, places);
    const draft: Draft = {
      type: 'WatermarkAssigner',
      name: watermarkName(schema, rowtime, expr),
      inputSchema: schema,
      outputSchema: schema,
      rowtime,
      expr,
    };
    return this.append(stream, draft, `watermark:${source}`, null);
  }

  private values(rows: (boolean | number | string | null)[][], schema: Schema, sink: string): Stream {
    // Rows without columns are held by a constant that nobody reads.
    const empty = schema.length === 0;
    const outputSchema = empty ? [{ name: '$unit', type: sqlType.int(false) }] : schema;
    const draft: Draft = {
      type: 'Values',
      name: valuesName(rows.length, outputSchema),
      outputSchema,
      rows: empty ? rows.map(() => [0]) : rows,
    };
    return this.head(draft, `values:${sink}`, 1, 1);
  }

  private calc(stream: Stream, node: CalcNode, sink: string): Stream {
    return this.chainCalc(
      stream,
      node.condition,
      node.projections,
      schemaOf(node.fields),
      `calc:${sink}`,
      this.onward(stream, node.input),
    );
  }

  private chainCalc(
    stream: Stream,
    condition: Expr | null,
    projections: Expr[],
    outputSchema: Schema,
    uid: string,
    placement: Placement | null = null,
  ): Stream {
    const inputSchema = stream.schema;
    const name = calcName(inputSchema, condition, projections, outputSchema);
    const draft: Draft = { type: 'Calc', name, inputSchema, outputSchema, condition, projections };
    return this.append(stream, draft, uid, placement);
  }

  private aggregate(stream: Stream, node: AggregateNode, sink: string): Stream {
    const { keys, accumulators, window, fields } = node;
    const inputSchema = stream.schema;
    const common = { inputSchema, outputSchema: schemaOf(fields), keys, accumulators };
    const tumble = window === null ? null : ({ kind: 'TUMBLE', ...window } as const);
    const draft: Draft =
      tumble === null
        ? { type: 'GroupAggregate', name: aggregateName(inputSchema, keys, accumulators), ...common }
        : {
            type: 'WindowAggregate',
            name: windowAggregateName(inputSchema, keys, tumble, accumulators),
            ...common,
            window: tumble,
          };
    const placement: Placement =
      keys.length === 0
        ? SINGLETON
        : {
            parallelism: this.options.parallelism,
            maxParallelism: KEY_GROUPS,
            exchange: { kind: 'HASH', keys },
          };
    return this.append(stream, draft, aggregateUid(node, sink), placement);
  }

  private sort(stream: Stream, { keys, limit, offset }: SortNode, sink: string): Stream {
    const { schema } = stream;
    const draft: Draft = {
      type: 'Sort',
      name: sortName(schema, keys, limit, offset),
      inputSchema: schema,
      outputSchema: schema,
      keys,
      limit,
      offset,
    };
    return this.append(stream, draft, `sort:${sink}`, SINGLETON);
  }

  /** Several streams as one: whoever reads it starts a vertex with an edge from each. */
  private union(streams: Stream[], sink: string, spreads: boolean): Stream {
    const taken = new Set<string>();
    const producers = streams.flatMap((stream) =>
      stream.producers.flatMap(({ operator, vertex }) => {
        const single: Stream = { producers: [{ operator, vertex }], schema: stream.schema, spreads: false };
        // Two edges from one operator to one vertex would be the same edge.
        const distinct = taken.has(operator.id) ? this.passOn(single, sink) : single;
        taken.add(operator.id);
        return distinct.producers;
      }),
    );
    return { producers, schema: streams[0]!.schema, spreads };
  }

  private passOn(stream: Stream, sink: string): Stream {
    const projections = stream.schema.map((field, i) => column(i, field.type));
    return this.chainCalc(stream, null, projections, stream.schema, `calc:${sink}`);
  }

  /** Where an operator that could be chained goes: null to chain it, else a vertex of its own. */
  private onward(stream: Stream, input: LogicalNode): Placement | null {
    const { producers, spreads } = stream;
    const widths = producers.map(({ vertex }) => vertex.parallelism);
    const widest = Math.max(...widths);
    const parallelism = spreads ? Math.max(widest, this.options.parallelism) : widest;
    const even = widths.every((width) => width === parallelism);
    if (even)
      return producers.length === 1 ? null : { parallelism, maxParallelism: KEY_GROUPS, exchange: { kind: 'FORWARD' } };
    // Updates of one row must not overtake one another.
    if (emitsUpdates(input, this.options.mode)) return SINGLETON;
    return { parallelism, maxParallelism: KEY_GROUPS, exchange: { kind: 'REBALANCE' } };
  }

  /** Adds an operator that reads `stream`: to its vertex when `placement` is null. */
  private append(stream: Stream, draft: Draft, uid: string, placement: Placement | null): Stream {
    const [first] = stream.producers;
    if (placement === null && first !== undefined && stream.producers.length === 1) {
      const operator = this.named(draft, uid, first.operator.id);
      first.vertex.operators.push(operator);
      return {
        producers: [{ vertex: first.vertex, operator }],
        schema: operator.outputSchema,
        spreads: stream.spreads,
      };
    }
    const { parallelism, maxParallelism, exchange } = placement ?? this.widthOf(stream);
    const next = this.head(draft, uid, parallelism, maxParallelism);
    const target = next.producers[0]!.vertex;
    for (const { vertex, operator } of stream.producers)
      this.edges.push({
        id: `${operator.id}->${target.id}`,
        sourceVertex: vertex.id,
        sourceOperator: operator.id,
        targetVertex: target.id,
        exchange,
        shuffle: this.options.mode === 'BATCH' ? 'BLOCKING' : 'PIPELINED',
        schema: stream.schema,
      });
    return next;
  }

  private widthOf({ producers }: Stream): Placement {
    const parallelism = Math.max(...producers.map(({ vertex }) => vertex.parallelism));
    return { parallelism, maxParallelism: KEY_GROUPS, exchange: { kind: 'REBALANCE' } };
  }

  /** A new vertex with its first operator. */
  private head(draft: Draft, uid: string, parallelism: number, maxParallelism: number): Stream {
    const operator = this.named(draft, uid, null);
    const vertex: ExecVertex = { id: operator.id, name: '', parallelism, maxParallelism, operators: [operator] };
    this.vertices.push(vertex);
    return { producers: [{ vertex, operator }], schema: operator.outputSchema, spreads: false };
  }

  private named(draft: Draft, uid: string, input: string | null): OperatorSpec {
    const unique = this.uids.unique(uid);
    return { ...draft, id: operatorId(unique), uid: unique, input };
  }
}

const SINGLETON: Placement = { parallelism: 1, maxParallelism: 1, exchange: { kind: 'SINGLETON' } };
