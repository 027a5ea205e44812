// Checks the Node version before anything else runs, in syntax that every Node understands.
var major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(
    'FlowJob runs its scripts on Node 24 and found ' +
      process.version +
      '.\n' +
      'npm ci installs Node 24 as an optional dependency on Linux (x64, arm64) and macOS (arm64):\n' +
      'run `npm ci` without --omit=optional. On another platform install Node 24 or newer yourself.',
  );
  process.exit(1);
}
