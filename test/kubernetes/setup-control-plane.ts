// Before the tests of a control plane without a node: its programs are there, and kstatus. A first build takes minutes, more than a test may.
import { ensureBinaries } from './binaries.ts';
import { CONTROL_PLANE_PROGRAMS } from './control-plane.ts';

export default async function setup(): Promise<void> {
  await ensureBinaries([...CONTROL_PLANE_PROGRAMS, 'kstatus'], console.log);
}
