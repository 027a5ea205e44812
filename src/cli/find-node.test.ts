import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNode } from './find-node.ts';

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'flowjob-node-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A program that says it is Node of that version. */
function installNode(version: string): string {
  const path = join(root, 'node_modules', '.bin', 'node');
  mkdirSync(join(root, 'node_modules', '.bin'), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho ${version}\n`);
  chmodSync(path, 0o755);
  return path;
}
const old = { path: '/usr/bin/node', version: 'v20.20.2' };

test('this Node is taken when it is new enough', () => {
  expect(findNode(join(root, 'dist', 'flowjob.js'), { path: '/opt/node', version: 'v26.1.0' })).toBe('/opt/node');
});

test('an older Node takes the one that npm installed beside the program', () => {
  const installed = installNode('v24.1.0');
  expect(findNode(join(root, 'dist', 'flowjob.js'), old)).toBe(installed);
});

test('without a new one it says which is needed and where to get it', () => {
  installNode('v22.0.0');
  expect(() => findNode(join(root, 'dist', 'flowjob.js'), old)).toThrow(
    /jobs need Node 24 or newer, and this is v20\.20\.2; run it through npm/,
  );
});
