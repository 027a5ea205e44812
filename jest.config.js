// Unit tests stand beside the code (engine/, src/); end-to-end tests that start processes stand in test/e2e. What needs a real Kubernetes is run by
// `npm run test:cluster`: files that end in .api-server.test.ts, anywhere, need a control plane and start it themselves; the tests in test/kubernetes need a
// cluster with a node, which is brought up before them. What runs Apache Flink itself ends in .flink.test.ts, and in .flink-cluster.test.ts
// what runs it in pods: `npm run test:flink` fetches it.
const esModules = [
  ...['hyparquet', '@bufbuild/cel', '@bufbuild/cel-spec', 'cookie'],
  ...['@kubernetes/client-node', 'openid-client', 'oauth4webapi', 'jose'],
];
const shared = {
  testEnvironment: 'node',
  transform: {
    '^.+\\.[tj]s$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' }, module: { type: 'commonjs' } },
    ],
  },
  // Packages that ship ES modules only are transformed like our own code.
  transformIgnorePatterns: [`/node_modules/(?!(${esModules.join('|')})/)`],
  // KubeConfig alone is used of client-node: its generated API, 700 files, need not be transformed.
  moduleNameMapper: { '^\\./gen/index\\.js$': '<rootDir>/scripts/bundle/no-generated-api.ts' },
  extensionsToTreatAsEsm: [],
};

/** Those whose ending says that they need more. */
const withNeeds = ['/node_modules/', '[.](api-server|flink|flink-cluster)[.]test[.]ts$'];

export default {
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testPathIgnorePatterns: withNeeds,
      testMatch: [
        '<rootDir>/{engine,src}/**/*.test.ts',
        '<rootDir>/test/{conformance,flink,harness,bench,demo,simulation,mutation}/**/*.test.ts',
      ],
    },
    {
      ...shared,
      displayName: 'e2e',
      testPathIgnorePatterns: withNeeds,
      testMatch: ['<rootDir>/test/{e2e,chaos}/**/*.test.ts'],
    },
    {
      ...shared,
      displayName: 'api-server',
      testMatch: ['<rootDir>/{src,test}/**/*.api-server.test.ts'],
      globalSetup: '<rootDir>/test/kubernetes/setup-control-plane.ts',
      setupFilesAfterEnv: ['<rootDir>/test/kubernetes/patience.ts'],
    },
    {
      ...shared,
      displayName: 'cluster',
      testMatch: ['<rootDir>/test/kubernetes/**/*.test.ts'],
      testPathIgnorePatterns: withNeeds,
      globalSetup: '<rootDir>/test/kubernetes/setup-cluster.ts',
      globalTeardown: '<rootDir>/test/kubernetes/teardown-cluster.ts',
      setupFilesAfterEnv: ['<rootDir>/test/kubernetes/patience.ts'],
    },
    {
      ...shared,
      displayName: 'flink',
      testMatch: ['<rootDir>/{engine,src,test}/**/*.flink.test.ts'],
      globalSetup: '<rootDir>/test/flink/setup.ts',
      setupFilesAfterEnv: ['<rootDir>/test/kubernetes/patience.ts'],
    },
    {
      ...shared,
      displayName: 'flink-cluster',
      testMatch: ['<rootDir>/test/kubernetes/**/*.flink-cluster.test.ts'],
      globalSetup: '<rootDir>/test/kubernetes/setup-flink-cluster.ts',
      globalTeardown: '<rootDir>/test/kubernetes/teardown-cluster.ts',
      setupFilesAfterEnv: ['<rootDir>/test/kubernetes/patience.ts'],
    },
  ],
  testTimeout: 30_000,
};
