// What the end of a JobManager's log says of why its process ended. Before it has a cluster to ask, there is nobody else who could say it.
import { describeTrace } from './root-cause.ts';

/** The first line of each exception: its class has a package, and a stack trace stands below it. */
const HEAD = /^(?:Caused by: )?((?:[\w$]+\.)+[\w$]+(?:: [^\n]*)?)(?=\n\s+(?:at |\.\.\. ))/gm;

/** What Flink says of a jar that it cannot run, and what cures it. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [/^JAR file does not exist/, 'correct spec.job.jar.uri: the image has no such file'],
  [/entry point class '[^']*' was not found in the jar file/, 'correct spec.job.jar.entryClass'],
  [/^Neither a 'Main-Class', nor a 'program-class' entry was found/, 'name the class in spec.job.jar.entryClass'],
  [/entry point class '[^']*' (?:has no|must)|main method/i, 'correct spec.job.jar.entryClass'],
];

/** A start that fails closes the class loader of Flink's RPC system while parts of that still run: that they find no class then is not why. */
const IN_CLOSING = /^java\.lang\.(?:NoClassDefFoundError|ClassNotFoundException): (?:org[./]apache[./]pekko|scala)[./]/;

/** `log`: its last kilobytes, of which the kubelet keeps two. Null where they hold no stack trace. */
export function lastWords(log: string): string | null {
  const heads = [...log.matchAll(HEAD)].map(([, head]) => head!).filter((head) => !IN_CLOSING.test(head));
  if (heads.length === 0) return null;
  for (const head of heads) {
    const message = head.replace(/^[\w$.]+: /, '');
    const remedy = REMEDIES.find(([pattern]) => pattern.test(message))?.[1];
    if (remedy !== undefined) return `${message.replace(/\.$/, '')} -> ${remedy}`;
  }
  return describeTrace(heads.join('\n\tat log\nCaused by: '));
}
