// CEL rules for the fields of class refused-while-running: derived from the classes, so that no field can have the class without its rule.
import { changeClassOf, specPaths } from './change-class.ts';
import type { CelRule } from './schema-kit.ts';
import { STOPPED_STATES } from './status.ts';

/** `has()` of each step from spec down to `path`; parents that always stand there (they have defaults) cost nothing to ask. */
function present(object: string, path: string): string {
  const parts = path.split('.');
  return parts.map((_, index) => `has(${object}.spec.${parts.slice(0, index + 1).join('.')})`).join(' && ');
}

/** The one goes on from the state of the other by chance at most: that is for people to decide, when the job stands. */
const SAME_KIND = 'has(self.spec.job.jar) == has(oldSelf.spec.job.jar)';

/** One transition rule per field: equal before and after, or no version of the job runs. Paths are relative to the object. */
export function refusedWhileRunningRules(): CelRule[] {
  const stopped = `!has(self.status) || !has(self.status.state) || self.status.state in [${STOPPED_STATES.map((state) => `'${state}'`).join(', ')}]`;
  const kind: CelRule = {
    rule: `${stopped} || ${SAME_KIND}`,
    message:
      'spec.job must not change between sql and jar while the job runs: set spec.suspend to true, wait for condition Suspended, then change it',
    fieldPath: '.spec.job',
  };
  const fields = specPaths()
    .filter((path) => changeClassOf(path) === 'refused-while-running')
    .map((path) => {
      const [now, before] = [present('self', path), present('oldSelf', path)];
      return {
        rule: `${stopped} || ((${now}) ? (${before}) && self.spec.${path} == oldSelf.spec.${path} : !(${before}))`,
        message: `spec.${path} must not change while the job runs: set spec.suspend to true, wait for condition Suspended, then change it`,
        fieldPath: `.spec.${path}`,
      };
    });
  return [...fields, kind];
}
