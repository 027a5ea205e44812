// Lint rules. Formatting is prettier's; here are the rules that keep promises awaited and dependencies pointing inward.
import tseslint from 'typescript-eslint';

/** `files` may not import anything that matches `patterns`; `why` is shown to whoever tries. */
const forbid = (files, patterns, why) => ({
  files,
  rules: { 'no-restricted-imports': ['error', { patterns: [{ regex: patterns.join('|'), message: why }] }] },
});

const kernelRule = 'kube/ knows no FlowJob, and of @kubernetes/client-node rest/auth.ts uses KubeConfig alone.';
const io = ['^node:(?!util$|assert)'];

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'node_modules/',
      'coverage/',
      'test/fixtures/',
      '**/*.cjs',
      'eslint.config.js',
      'jest.config.js',
    ],
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': 'off',
      '@typescript-eslint/unbound-method': 'off',
      'max-lines': ['error', { max: 600, skipBlankLines: false, skipComments: false }],
      eqeqeq: ['error', 'always'],
      'no-console': 'off',
    },
  },
  {
    // `new Function` is how operator chains are compiled; it is allowed in codegen and nowhere else.
    files: ['**/*.ts'],
    ignores: ['engine/codegen/**'],
    rules: { 'no-new-func': 'error', '@typescript-eslint/no-implied-eval': 'error' },
  },
  { files: ['engine/codegen/**'], rules: { '@typescript-eslint/no-implied-eval': 'off' } },
  forbid(['engine/**/*.ts'], ['^[.]{1,2}/(.*/)?src/'], 'engine/ knows no operator: nothing in it imports from src/.'),
  forbid(
    ['src/lifecycle/**/*.ts', 'src/autoscaler/**/*.ts'],
    [...io, '/(runtime|store|engine-client|kube|server|cli)/'],
    'lifecycle/ and autoscaler/ are pure: types and pure functions only.',
  ),
  forbid(
    ['src/migration/**/*.ts'],
    [
      ...io,
      '/(?:store|engine-client|kube|server|cli|controller|lifecycle)/',
      '/runtime/(?!kubernetes/merge-template[.]ts$)',
    ],
    'migration/ is pure: manifests in, manifests and an account out.',
  ),
  // The kernel could be a package of its own: of this one it has the clock and nothing else. The last entry that fits a file counts.
  forbid(['src/kube/*.ts'], ['^@kubernetes/', '^[.]{2}/(?![.]{2}/engine/clock[.]ts$)'], kernelRule),
  forbid(['src/kube/*/*.ts'], ['^@kubernetes/', '^[.]{2}/[.]{2}/(?![.]{2}/engine/clock[.]ts$)'], kernelRule),
  forbid(
    ['src/kube/rest/auth.ts'],
    ['^@kubernetes/(?!client-node/dist/config[.]js$)', '^[.]{2}/[.]{2}/(?![.]{2}/engine/clock[.]ts$)'],
    kernelRule,
  ),
  forbid(
    ['engine/jobmanager/coordinator/**/*.ts'],
    io,
    'The coordinator does no I/O: messages in, messages out, a clock passed in.',
  ),
  {
    files: [
      'src/lifecycle/**/*.ts',
      'src/autoscaler/**/*.ts',
      'src/kube/**/*.ts',
      'engine/jobmanager/coordinator/**/*.ts',
    ],
    ignores: ['**/*.test.ts', 'src/kube/testing/**'],
    rules: {
      'no-restricted-globals': ['error', 'setTimeout', 'setInterval', 'setImmediate', 'process', 'fetch'],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'The clock is passed in.' },
        { object: 'Math', property: 'random', message: 'Randomness comes from a seed that is passed in.' },
      ],
    },
  },
  {
    files: ['**/*.test.ts'],
    rules: { '@typescript-eslint/no-unsafe-assignment': 'off', '@typescript-eslint/no-unsafe-member-access': 'off' },
  },
);
