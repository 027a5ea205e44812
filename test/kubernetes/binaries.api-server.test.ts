// The cache of the cluster's programs, with a folder of its own and nothing built.
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CLUSTER_PROGRAMS, ensureBinaries, sourceOf } from './binaries.ts';

test('a program that a cache has under the name of Node is kept under its own, and not built anew', async () => {
  const cache = mkdtempSync(join(tmpdir(), 'flowjob-cache-'));
  const given = process.env['FLOWJOB_KUBERNETES_CACHE'];
  process.env['FLOWJOB_KUBERNETES_CACHE'] = cache;
  try {
    const bin = join(cache, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'node'), 'built');
    writeFileSync(join(bin, '.node.source'), sourceOf('kube-node'));
    symlinkSync('node', join(bin, 'kubelet'));
    const said: string[] = [];
    await ensureBinaries(['kube-node'], (line) => said.push(line));
    expect(said).toEqual([]);
    expect(readFileSync(join(bin, 'kube-node'), 'utf8')).toBe('built');
    expect(readlinkSync(join(bin, 'kubelet'))).toBe('kube-node');
    expect(readdirSync(bin).sort()).toEqual(['.kube-node.source', 'kube-node', 'kube-proxy', 'kubelet']);
  } finally {
    if (given === undefined) delete process.env['FLOWJOB_KUBERNETES_CACHE'];
    else process.env['FLOWJOB_KUBERNETES_CACHE'] = given;
    rmSync(cache, { recursive: true, force: true });
  }
});

test('none of the programs hides one that everybody has', () => {
  expect(CLUSTER_PROGRAMS).not.toContain('node');
});
