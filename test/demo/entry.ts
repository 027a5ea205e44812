// `npm run demo`: on this machine, or with --kubernetes in pods.
await (process.argv.includes('--kubernetes') ? import('./kubernetes/main.ts') : import('./main.ts'));
