// Unit tests stand beside the code (engine/, src/); end-to-end tests that start processes stand in test/e2e.
const shared = {
  testEnvironment: 'node',
  transform: {
    '^.+\\.[tj]s$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' }, module: { type: 'commonjs' } },
    ],
  },
  // Packages that ship ES modules only are transformed like our own code.
  transformIgnorePatterns: ['/node_modules/(?!(hyparquet|@bufbuild/cel|@bufbuild/cel-spec|cookie)/)'],
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
    {
      ...shared,
      displayName: 'cluster',
      testMatch: ['<rootDir>/test/kubernetes/**/*.test.ts'],
      globalSetup: '<rootDir>/test/kubernetes/jest-setup.ts',
      globalTeardown: '<rootDir>/test/kubernetes/jest-teardown.ts',
    },
  ],
  testTimeout: 30_000,
};
