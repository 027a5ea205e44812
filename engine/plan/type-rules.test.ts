// Types of results and legality of casts, against Flink's LogicalTypeMerging and LogicalTypeCasts.
import { arithmeticType, canAssign, canCast, commonType } from './type-rules.ts';
import { sqlType, typeToString, type SqlType, type TypeRoot } from './types.ts';

const of = (root: TypeRoot, precision?: number, scale?: number): SqlType => ({
  root,
  nullable: false,
  ...(precision === undefined ? {} : root === 'CHAR' || root === 'VARCHAR' ? { length: precision } : { precision }),
  ...(scale === undefined ? {} : { scale }),
});
const INT = of('INT');
const BIGINT = of('BIGINT');
const DOUBLE = of('DOUBLE');
const FLOAT = of('FLOAT');
const DEC = of('DECIMAL', 10, 2);

test.each<['+' | '-' | '*' | '/' | '%', SqlType, SqlType, string]>([
  ['+', INT, BIGINT, 'BIGINT NOT NULL'],
  ['+', of('TINYINT'), of('SMALLINT'), 'SMALLINT NOT NULL'],
  ['*', INT, DOUBLE, 'DOUBLE NOT NULL'],
  ['*', INT, FLOAT, 'FLOAT NOT NULL'],
  ['-', FLOAT, DEC, 'DOUBLE NOT NULL'],
  ['/', INT, INT, 'INT NOT NULL'],
  ['%', BIGINT, INT, 'INT NOT NULL'],
  ['+', DEC, of('DECIMAL', 5, 3), 'DECIMAL(12, 3) NOT NULL'],
  ['*', DEC, of('DECIMAL', 5, 3), 'DECIMAL(16, 5) NOT NULL'],
  ['*', DEC, of('DECIMAL', 8, 3), 'DECIMAL(18, 5) NOT NULL'],
  ['/', DEC, of('DECIMAL', 5, 3), 'DECIMAL(19, 8) NOT NULL'],
  ['%', DEC, of('DECIMAL', 5, 3), 'DECIMAL(5, 3) NOT NULL'],
  ['+', DEC, INT, 'DECIMAL(13, 2) NOT NULL'],
  ['*', DEC, BIGINT, 'DECIMAL(30, 2) NOT NULL'],
])('%s of %o and %o', (op, a, b, expected) => {
  expect(typeToString(arithmeticType(op, a, b))).toBe(expected);
  expect(arithmeticType(op, { ...a, nullable: true }, b).nullable).toBe(true);
});

test.each<[SqlType[], string | null]>([
  [[INT, BIGINT], 'BIGINT NOT NULL'],
  [[INT, of('NULL')], 'INT NOT NULL'],
  [[INT, { root: 'NULL', nullable: true }], 'INT'],
  [[DEC, INT], 'DECIMAL(12, 2) NOT NULL'],
  [[DEC, DOUBLE], 'DOUBLE NOT NULL'],
  [[of('CHAR', 3), of('CHAR', 5)], 'VARCHAR(5) NOT NULL'],
  [[of('CHAR', 3), of('CHAR', 3)], 'CHAR(3) NOT NULL'],
  [[of('CHAR', 3), sqlType.string()], 'STRING'],
  [[of('TIMESTAMP', 0), of('TIMESTAMP', 3)], 'TIMESTAMP(3) NOT NULL'],
  [[of('DATE'), of('TIMESTAMP', 3)], null],
  [[INT, sqlType.string()], null],
  [[of('BOOLEAN'), INT], null],
  [[of('TIMESTAMP', 3), of('TIMESTAMP_LTZ', 3)], null],
])('the common type of %o', (types, expected) => {
  const type = commonType(types);
  expect(type === null ? null : typeToString(type)).toBe(expected);
});

test('what INSERT converts unasked can be cast; the other way round not', () => {
  const roots: TypeRoot[] = [
    ...(['BOOLEAN', 'TINYINT', 'SMALLINT', 'INT', 'BIGINT', 'FLOAT', 'DOUBLE', 'DECIMAL', 'CHAR', 'VARCHAR'] as const),
    ...(['DATE', 'TIME', 'TIMESTAMP', 'TIMESTAMP_LTZ'] as const),
  ];
  const implicit: string[] = [];
  for (const from of roots)
    for (const to of roots) {
      const [a, b] = [
        { root: from, nullable: true },
        { root: to, nullable: true },
      ];
      if (canAssign(a, b)) expect(canCast(a, b)).toBe(true);
      if (from !== to && canAssign(a, b)) implicit.push(`${from}>${to}`);
    }
  expect(implicit).toEqual([
    ...['TINYINT>SMALLINT', 'TINYINT>INT', 'TINYINT>BIGINT', 'TINYINT>FLOAT', 'TINYINT>DOUBLE', 'TINYINT>DECIMAL'],
    ...['SMALLINT>INT', 'SMALLINT>BIGINT', 'SMALLINT>FLOAT', 'SMALLINT>DOUBLE', 'SMALLINT>DECIMAL'],
    ...['INT>BIGINT', 'INT>FLOAT', 'INT>DOUBLE', 'INT>DECIMAL', 'BIGINT>FLOAT', 'BIGINT>DOUBLE', 'BIGINT>DECIMAL'],
    ...['FLOAT>DOUBLE', 'FLOAT>DECIMAL', 'DOUBLE>DECIMAL', 'DECIMAL>FLOAT', 'DECIMAL>DOUBLE', 'CHAR>VARCHAR'],
    ...['TIMESTAMP>DATE', 'TIMESTAMP>TIME', 'TIMESTAMP>TIMESTAMP_LTZ', 'TIMESTAMP_LTZ>TIMESTAMP'],
  ]);
});
