// Of @kubernetes/client-node the programs use KubeConfig: an esbuild plugin that leaves out the rest, which esbuild cannot know to be unused.
import { resolve } from 'node:path';
import type { Plugin } from 'esbuild';

const standIns: Record<string, string> = {
  './gen/index.js': 'no-generated-api.ts',
  'node-fetch': 'platform-fetch.ts',
};

export const slimClientNode: Plugin = {
  name: 'slim-client-node',
  setup(build) {
    build.onResolve({ filter: /^(\.\/gen\/index\.js|node-fetch)$/ }, ({ path, importer }) => {
      if (!/[\\/]@kubernetes[\\/]client-node[\\/]dist[\\/]/.test(importer)) return undefined;
      return { path: resolve('scripts/bundle', standIns[path]!) };
    });
  },
};
