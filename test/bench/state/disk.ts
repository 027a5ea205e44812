// What the disk itself does with as many bytes: written in order and synced, and read back.
import { closeSync, fsyncSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** MB/s. What was just written is read from the page cache, as a restore after a crash of a process does. */
export function diskSpeed(folder: string, bytes: number): { write: number; read: number } {
  const file = join(folder, 'disk-speed');
  const block = new Uint8Array(2 ** 20);
  for (let i = 0; i < block.length; i++) block[i] = Math.imul(i, 0x9e3779b1) >>> 24;
  const blocks = Math.ceil(bytes / block.length);
  const seconds = (work: (fd: number) => void, flags: string): number => {
    const fd = openSync(file, flags);
    const begin = performance.now();
    work(fd);
    const elapsed = (performance.now() - begin) / 1000;
    closeSync(fd);
    return elapsed;
  };
  const write = seconds((fd) => {
    for (let i = 0; i < blocks; i++) writeSync(fd, block);
    fsyncSync(fd);
  }, 'w');
  const read = seconds((fd) => {
    for (let i = 0; i < blocks; i++) readSync(fd, block);
  }, 'r');
  rmSync(file);
  const megabytes = (blocks * block.length) / 1e6;
  return { write: megabytes / write, read: megabytes / read };
}
