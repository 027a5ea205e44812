// Unit tests stand beside the code (engine/, src/); end-to-end tests that start processes stand in test/e2e.
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

export default {
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: [
        '<rootDir>/{engine,src}/**/*.test.ts',
        '<rootDir>/test/{conformance,bench,demo,simulation,mutation}/**/*.test.ts',
      ],
    },
    { ...shared, displayName: 'e2e', testMatch: ['<rootDir>/test/{e2e,chaos}/**/*.test.ts'] },
    // On a real Kubernetes, which they bring up: `npm run test:cluster`.
    { ...shared, displayName: 'cluster', testMatch: ['<rootDir>/test/kubernetes/**/*.test.ts'] },
  ],
  testTimeout: 30_000,
};
